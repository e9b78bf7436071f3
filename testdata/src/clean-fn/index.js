'use strict';
const minimist = require('minimist');

exports.handler = async (event) => {
  const args = minimist(Array.isArray(event.args) ? event.args : []);
  return { statusCode: 200, body: JSON.stringify({ count: args._.length }) };
};
