// Synchronous, on Node: Express takes the stock and stores the order in the request; a process for each of two cores.
const cluster = require("node:cluster");
const express = require("express");
const { rateLimit } = require("express-rate-limit");
const mongoose = require("mongoose");
const { RedisStore } = require("rate-limit-redis");
const { createClient } = require("redis");

const Product = mongoose.model(
  "Product",
  new mongoose.Schema({ sku: { type: String, unique: true }, stock: Number }, { collection: "products", autoIndex: false }),
);

const Order = mongoose.model(
  "Order",
  new mongoose.Schema(
    {
      items: {
        type: [{ _id: false, sku: { type: String, required: true }, quantity: { type: Number, required: true, min: 1 } }],
        validate: (items) => items.length > 0,
      },
      status: String,
    },
    { collection: "orders", timestamps: true },
  ),
);

async function serve() {
  const redis = createClient({ url: process.env.REDIS_CACHE_URL });
  await redis.connect();
  await mongoose.connect(process.env.MONGO_URL);

  const app = express();
  app.use(express.json());
  app.use(
    rateLimit({
      windowMs: 60_000,
      limit: 600_000,
      store: new RedisStore({ sendCommand: (...command) => redis.sendCommand(command) }),
    }),
  );

  app.post("/orders", async (request, response) => {
    const order = new Order({ items: request.body.items, status: "confirmed" });
    const invalid = order.validateSync();
    if (invalid) return response.status(400).json({ errors: invalid.errors });
    for (const { sku, quantity } of order.items) {
      const product = await Product.findOneAndUpdate(
        { sku, stock: { $gte: quantity } },
        { $inc: { stock: -quantity } },
      );
      if (!product) return response.status(409).json({ error: "out of stock", sku });
    }
    await order.save({ validateBeforeSave: false }); // it is valid, see above
    response.status(201).json({ id: order.id, status: order.status });
  });

  app.listen(Number(process.env.PORT), "127.0.0.1");
}

if (cluster.isPrimary) {
  for (let processes = 0; processes < 2; processes += 1) cluster.fork();
  cluster.on("exit", () => process.exit(1)); // half of it is not the contender
} else {
  serve();
}
