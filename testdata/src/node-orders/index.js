'use strict';
// Stores incoming orders and tells the warehouse about them.
const _ = require('lodash');
const axios = require('axios');
const qs = require('qs');
const Hoek = require('@hapi/hoek');
const mkdirp = require('mkdirp');
const minimist = require('minimist');
const config = require('./config');

const defaults = { currency: 'EUR', priority: 'normal' };

exports.handler = async (event) => {
  const flags = minimist((process.env.ORDER_FLAGS || '').split(' '));
  const query = qs.parse(event.rawQueryString || '');
  const order = Hoek.applyToDefaults(defaults, JSON.parse(event.body || '{}'));
  const lines = _.map(order.lines, (line) => _.pick(line, ['sku', 'count']));
  mkdirp.sync('/tmp/orders');
  if (!flags.dry && query.notify === 'yes') {
    await axios.post(config.warehouseUrl, { order: order.id, lines });
  }
  return { statusCode: 202, body: JSON.stringify({ id: order.id, lines: lines.length }) };
};
