"""Bodies of events as they are stored: compressed against a text that they have in common.

An order's body repeats its names, and PostgreSQL compresses only rows above 2 KiB, so five bodies
of 1.3 to 1.9 KiB were half of what an order took on the disk. Deflate with a preset dictionary
(RFC 1950, FDICT) makes them a fifth. Whoever reads a body gets the bytes that were published.

The format tells itself: JSON begins with none of the first bytes of zlib, and a zlib stream names
the dictionary that it needs by its checksum. So a dictionary that is in use never changes; a better
one becomes the first of `_DICTIONARIES`, and the others stay for what was stored with them.
"""

from __future__ import annotations

import zlib
from typing import Final

#: Names and values of an order's body in their order, the most frequent last. Frozen: see above.
_ORDERS: Final = (
    b'"BTC""USDT""TRC20""ERC20""XMR""SOL""LTC""TRX""changenow""exolix""letsexchange""sideshift"'
    b'{"event":"order.","event_id":"ops-:webhook_test","reason":"manual","ts":"","endpoint_id":"'
    b'","payout_id":"","amount":"","currency":"","address":"0x","tx_hash":"","sent_at":""'
    b'"state":"refunded","action":"return_to_refund_address","convert_to_stable","stable_target":'
    b'"source":"partner","requested_at":"","finished_at":"","failure":null,"window_ends_at":"'
    b'"late_deposit":{"state":"seen","seen_at":"","finished_at":null,"note":null}'
    b'"failed_reason_code":"underpayment","failed_reason_message":"","refund_capability":"ticket"'
    b'{"default":"manual_review","fallback_if_refund_address_missing":"manual_review",'
    b'"convert_to_stable_target":null}'
    b'{"event":"order.waiting_deposit","event_id":"prv-01a:waiting_deposit:17","seq":1,"order":'
    b'{"order_id":"prv-01a","provider":"simulator","provider_order_id":"sim-",'
    b'"partner_order_ref":null,"from":"BTC","from_network":"BTC","to":"ETH","to_network":"ETH",'
    b'"amount_from":"0.1","amount_to_expected":"1.","amount_to_actual":null,"markup_bps":0,'
    b'"rate_type":"float","deposit_address":"bc1q","deposit_extra_id":null,'
    b'"payout_address":"0x","payout_extra_id":null,"status":"completed",'
    b'"failed_reason_code":null,"failed_reason_message":null,"refund_capability":"programmatic",'
    b'"refund_window_hours":24,"refund_sla_hours":null,"refund_preference":null,'
    b'"tx_in_hash":null,"tx_out_hash":null,"late_deposit":null,"sandbox":false,'
    b'"expires_at":"2026-12-01T12:00:00.000Z","created_at":"2026-12-01T12:00:00.000Z",'
    b'"updated_at":"2026-12-01T12:00:00.000Z","completed_at":null,'
    b'"tracking_url":"https:///track/prv-01a?token=","refund":null,"timeline":['
    b'{"status":"waiting_deposit","at":"2026-12-01T12:00:00.000Z"},'
    b'{"status":"confirming","at":"2026-12-01T12:00:00.000Z"},'
    b'{"status":"exchanging","at":"2026-12-01T12:00:00.000Z"},'
    b'{"status":"sending","at":"2026-12-01T12:00:00.000Z"},'
    b'{"status":"completed","at":"2026-12-01T12:00:00.000Z"}]},'
    b'"ts":"2026-12-01T12:00:00.000Z","sandbox":true}'
)

#: The first is used for what is stored now.
_DICTIONARIES: Final = (_ORDERS,)

_BY_CHECKSUM: Final = {zlib.adler32(one): one for one in _DICTIONARIES}

#: Level and window (2 ** bits bytes, room for the dictionary) of the compression, and its memory:
#: more of either takes longer and saves nothing on bodies of this size.
_LEVEL: Final = 4
_WINDOW_BITS: Final = 12
_MEMORY: Final = 5

#: The first byte of a zlib stream with this window; no JSON begins with it.
_MARK: Final = (_WINDOW_BITS - 8) << 4 | zlib.DEFLATED

#: Where the checksum of the dictionary stands in the stream.
_CHECKSUM: Final = slice(2, 6)


def packed(body: bytes) -> bytes:
    """`body` as it is stored; as it is, where compression would save nothing."""
    deflate = zlib.compressobj(
        _LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY, zlib.Z_DEFAULT_STRATEGY, _DICTIONARIES[0]
    )
    made = deflate.compress(body) + deflate.flush()
    return made if len(made) < len(body) or body[:1] == bytes([_MARK]) else body


def unpacked(stored: bytes) -> bytes:
    """The body that was published, byte for byte; `ValueError` for what `packed` did not make."""
    if stored[:1] != bytes([_MARK]):
        return stored
    dictionary = _BY_CHECKSUM.get(int.from_bytes(stored[_CHECKSUM]))
    if dictionary is None:
        raise ValueError("the body of an event was stored with a dictionary of a newer version")
    inflate = zlib.decompressobj(_WINDOW_BITS, dictionary)
    try:
        return inflate.decompress(stored) + inflate.flush()
    except zlib.error as error:
        raise ValueError("the stored body of an event is damaged") from error
