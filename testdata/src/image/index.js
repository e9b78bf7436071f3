'use strict';
const mkdirp = require('mkdirp');
exports.handler = async () => { mkdirp.sync('/tmp/work'); return 'ok'; };
