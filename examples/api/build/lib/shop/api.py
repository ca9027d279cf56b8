"""Prices of a small shop, by HTTP."""

from __future__ import annotations

from fastapi import FastAPI, HTTPException
from mangum import Mangum
from pydantic import BaseModel, Field

PRICES = {"tea": 3.5, "cake": 4.25}

app = FastAPI(title="shop")


class Order(BaseModel):
    item: str
    count: int = Field(gt=0)


class Bill(BaseModel):
    item: str
    total: float


@app.post("/orders")
def order(wanted: Order) -> Bill:
    if wanted.item not in PRICES:
        raise HTTPException(status_code=404, detail=f"no {wanted.item} here")
    return Bill(item=wanted.item, total=PRICES[wanted.item] * wanted.count)


handler = Mangum(app, lifespan="off")
