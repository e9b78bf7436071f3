const { app } = require('@azure/functions');

app.http('orders', {
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  route: "orders/{id}",
  handler: async (request, context) => { return { body: `Hello ${request.query.get('n')}` }; }
});

app.get('open', async () => ({ body: 'x' }));

app.timer('tick', { schedule: '0 */5 * * * *', handler: (t) => {} });

app.serviceBusQueue('jobs', { connection: 'Bus', queueName: process.env.QUEUE, handler });
// app.http('commented', { authLevel: 'anonymous' })
