'use strict';
const minimist = require('minimist');
exports.handler = async (event) => minimist(event.args || []);
