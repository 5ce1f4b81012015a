import asyncio


class TimeoutError(asyncio.TimeoutError):
    pass
