class APIError(Exception):
    pass


class NotFoundError(APIError):
    pass
