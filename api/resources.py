"""What the views of one API process work with; made with the app, found again through the current app."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from pymongo.database import Database
from redis import Redis

from api.current import app
from api.permits import Permits
from api.retry_after import Pace
from api.settings import ApiSettings
from api.tokens import TokenVerifier
from api.waiting import WaitingRoom
from shared.cache import LeaseCache
from shared.notices import FinishedOrders
from shared.queue import Announcer
from shared.services.accept_orders import OrderAcceptor
from shared.services.backpressure import Backpressure
from shared.store.connection import Document

EXTENSION = "order_processor"


@dataclass(frozen=True, slots=True)
class Resources:
    settings: ApiSettings
    token_verifier: TokenVerifier
    database: Database[Document]
    acceptor: OrderAcceptor
    announcer: Announcer
    backpressure: Backpressure
    finished_orders: FinishedOrders
    product_cache: LeaseCache
    redis_cache: Redis
    permits: Permits
    ping_broker: Callable[[], None]
    waiting_room: WaitingRoom
    pace: Pace


def resources() -> Resources:
    return cast("Resources", app().extensions[EXTENSION])
