from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI
from pydantic import BaseModel, Field

from bench.peers.asyncio_stack.tasks import broker, database, process_order


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await broker.startup()
    yield
    await broker.shutdown()


app = FastAPI(lifespan=lifespan)


class Item(BaseModel):
    sku: str
    quantity: int = Field(ge=1)


class Order(BaseModel):
    items: list[Item] = Field(min_length=1)


@app.post("/orders", status_code=202)
async def create_order(order: Order) -> dict[str, str]:
    document = order.model_dump() | {"status": "pending", "created_at": datetime.now(UTC)}
    order_id = str((await database().orders.insert_one(document)).inserted_id)
    await process_order.kiq(order_id)
    return {"id": order_id, "status": "pending"}
