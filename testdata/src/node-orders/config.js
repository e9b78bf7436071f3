'use strict';
// Left behind from a test on a laptop.
module.exports = {
  warehouseUrl: process.env.WAREHOUSE_URL,
  aws: {
    accessKeyId: '@@aws-key-id@@',
    secretAccessKey: '@@aws-secret@@',
  },
  stripeKey: '@@stripe@@',
};
