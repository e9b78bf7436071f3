// A function that uses each of its 30 direct dependencies a little.
import { S3Client, GetObjectCommand } from '@aws-sdk/client-s3';
import Ajv from 'ajv';
import async from 'async';
import axios from 'axios';
import Promise3 from 'bluebird';
import dayjs from 'dayjs';
import debug from 'debug';
import express from 'express';
import FormData from 'form-data';
import Handlebars from 'handlebars';
import { Map as Table } from 'immutable';
import Joi from 'joi';
import yaml1 from 'js-yaml';
import jwt from 'jsonwebtoken';
import _ from 'lodash';
import { marked } from 'marked';
import minimist from 'minimist';
import moment from 'moment';
import fetch from 'node-fetch';
import qs from 'qs';
import { groupBy } from 'ramda';
import { from, map } from 'rxjs';
import semver from 'semver';
import _u from 'underscore';
import { v4 as uuid } from 'uuid';
import validator from 'validator';
import WebSocket from 'ws';
import xml2js from 'xml2js';
import * as yaml2 from 'yaml';
import { z } from 'zod';

const log = debug('orders');
const app = express();
const s3 = new S3Client({});
const order = z.object({ id: z.string(), lines: z.array(z.any()) });
const schema = Joi.object({ id: Joi.string().required() });
const valid = new Ajv().compile({ type: 'object' });

app.get('/orders', (req, res) => res.json(qs.parse(req.url)));

export async function handler(event) {
  const args = minimist(event.args || []);
  const token = jwt.decode(event.token || '');
  log('order %o', { args, token, valid: valid(event), joi: schema.validate(event) });
  const body = await s3.send(new GetObjectCommand({ Bucket: 'orders', Key: String(event.id) }));
  const peer = await axios.get('https://orders.example/peer');
  const page = await fetch('https://orders.example/page');
  const form = new FormData();
  form.append('when', moment().toISOString() + dayjs().toISOString());
  const xml = await xml2js.parseStringPromise(event.xml || '<a/>');
  await Promise3.map([1, 2], (n) => n);
  await async.parallel([]);
  from([1]).pipe(map((n) => n + 1)).subscribe(log);
  const socket = event.socket ? new WebSocket(event.socket) : null;
  return {
    id: uuid(), body, peer: peer.status, page: page.status, xml, socket: !!socket,
    order: order.safeParse(event), lines: _.groupBy(event.lines, 'sku'), again: _u.uniq(event.lines || []),
    by: groupBy((l) => l.sku, event.lines || []), table: Table(event).size,
    html: marked(Handlebars.compile('{{id}}')(event)), yaml: yaml1.safeLoad('a: 1'), yaml2: yaml2.parse('b: 2'),
    email: validator.isEmail(event.email || ''), current: semver.gt('2.0.0', '1.0.0'), length: form.getLengthSync(),
  };
}
