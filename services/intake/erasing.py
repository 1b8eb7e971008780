"""The destruction of a customer's keys: an effect that is done once it is asked for, and heard as keys-destroyed."""

from contracts.intake import EraseCustomer, KeysDestroyed
from shared.edge import Edge
from shared.effects import Sender
from shared.events import Event, Message


def eraser(edge: Edge) -> Sender:
    """Destroys the keys of every contact point of the customer; a second try destroys what is left."""

    async def destroy(message: Message, key: str, attempt: int, stale: bool) -> Event:
        asked = message.event
        assert isinstance(asked, EraseCustomer)
        rows = await edge.rows("select key from {views}.contacts where customer = %s order by key", asked.customer)
        contacts, at = tuple(str(row["key"]) for row in rows), edge.now
        await edge.vault.destroy(contacts, at)
        return KeysDestroyed(
            customer=asked.customer, contacts=contacts, regime=asked.regime, destroyed_at=at, rotation_outstanding=True
        )

    return destroy
