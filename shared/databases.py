"""Database addresses as settings name them, and as SQLAlchemy wants them."""

from sqlalchemy.engine import URL, make_url


def address(url: str | URL) -> URL:
    """Give the address with our driver: `postgresql://` means psycopg 3 here."""
    made = make_url(url)
    return made.set(drivername="postgresql+psycopg") if made.get_backend_name() == "postgresql" else made
