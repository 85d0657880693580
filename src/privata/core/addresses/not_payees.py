"""Addresses that are well formed, and nobody's: what is sent there is lost, on any network.

Token contracts and mints, the programs and system accounts of a chain, issuers that destroy what
they get, and addresses that were made to burn. Their checksums hold, so only a list, or a rule of
how a chain names its own parts, can tell. Sources: the issuers' lists of their contracts
(tether.to, circle.com), the chains' own documentation and explorers. A test holds every entry
against the checksum of its network, and against the catalogue of assets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from privata.core.addresses.codec import base32, base58
from privata.core.addresses.errors import BURN_ADDRESS, AddressError

TOKEN: Final = "This is the address of the token itself: funds sent to it are lost"  # noqa: S105
SYSTEM: Final = "This address belongs to the network, not to a wallet: funds sent to it are lost"
ISSUER: Final = "This is a token issuer's account: funds sent to it are destroyed"

_EVM_TOKENS: Final = (
    # Ethereum: USDT, USDC, DAI, WETH, WBTC, stETH.
    "0xdAC17F958D2ee523a2206206994597C13D831ec7",
    "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
    "0x6B175474E89094C44Da98b954EedeAC495271d0F",
    "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",
    "0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599",
    "0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84",
    # BNB Smart Chain: USDT, USDC, WBNB.
    "0x55d398326f99059fF775485246999027B3197955",
    "0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d",
    "0xbb4CdB9CBd36B01bD1cBaEBF2De08d9173bc095c",
    # Polygon: USDT, USDC, USDC.e, wrapped POL.
    "0xc2132D05D31c914a87C6611C10748AEb04B58e8F",
    "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359",
    "0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174",
    "0x0d500B1d8E8eF31E21C99d1Db9A6444d3ADf1270",
    # Arbitrum: USDT, USDC, USDC.e, WETH.
    "0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9",
    "0xaf88d065e77c8cC2239327C5EDb3A432268e5831",
    "0xFF970A61A04b1cA14834A43f5dE4533eBDDB5CC8",
    "0x82aF49447D8a07e3bd95BD0d56f35241523fBab1",
    # Optimism: USDT, USDC, USDC.e.
    "0x94b008aA00579c1307B0EF2c499aD98a8ce58e58",
    "0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85",
    "0x7F5c764cBc14f9669B88837ca1490cCa17c31607",
    # Base: USDC, USDbC.
    "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
    "0xd9aAEc86B65D86f6A7B5B1b0c42FFA531710b6CA",
    # Avalanche: USDT, USDC, WAVAX.
    "0x9702230A8Ea53601f5cD2dc00fDBc13d4dF4A8c7",
    "0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E",
    "0xB31f66AA3C1e785363F0875A1B74E27b85FD66c7",
)

_TRON_TOKENS: Final = (
    # USDT, USDC, wrapped TRX, TUSD, USDD, JST, SUN.
    "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    "TEkxiTehnzSmSe2XqrBj4w32RUN966rdz8",
    "TNUC9Qb1rRpS5CbWLmNMxXBjyFoydXjWFR",
    "TUpMhErZL2fhh4sVNULAbNKLokS4GjC1F4",
    "TPYmHEhy5n8TCEfYGqW2rPxsghSfzghPDn",
    "TCFLL5dx5ZJdKnWuesXxi1VPwjLVmWZZy9",
    "TSSMHYeV2uE9qYH95DqyoCuNCzEL1NvU3S",
)

# The account of TRON's first block that takes what is burnt.
_TRON_BLACK_HOLE: Final = "TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy"

_EVM_BURNT: Final = (
    "0x000000000000000000000000000000000000dEaD",
    "0xdEAD000000000000000042069420694206942069",
)

# What programs write for "the chain's own coin", and pages show as if it were an address.
_EVM_PSEUDO: Final = "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE"


def _evm(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _tron(text: str) -> bytes:
    return base58.decode_check(text)[1:]


# By the 20 bytes that EVM networks and TRON share. Whatever chain a contract is on, nobody has the
# key of its address on another one.
_ACCOUNTS: Final[Mapping[bytes, str]] = {
    **{_evm(text): TOKEN for text in _EVM_TOKENS},
    **{_tron(text): TOKEN for text in _TRON_TOKENS},
    **{_evm(text): BURN_ADDRESS for text in _EVM_BURNT},
    _tron(_TRON_BLACK_HOLE): BURN_ADDRESS,
    _evm(_EVM_PSEUDO): SYSTEM,
}

#: Addresses up to this number are precompiles and system contracts; finding a key for one of them
#: would take 2**128 tries.
_LAST_SYSTEM_NUMBER: Final = 2**32 - 1

# The contracts that every OP Stack chain (Optimism, Base) is born with.
_OP_PREDEPLOYS: Final = bytes.fromhex("4200") + bytes(14)

_SOLANA: Final[Mapping[str, str]] = {
    # USDC, USDT, wrapped SOL.
    **dict.fromkeys(
        (
            "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
            "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB",
            "So11111111111111111111111111111111111111112",
        ),
        TOKEN,
    ),
    # Programs and sysvars whose bytes happen to be a point of the curve; the others are refused for
    # having no key.
    **dict.fromkeys(
        (
            "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
            "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb",
            "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL",
            "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr",
            "Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo",
            "metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s",
            "Stake11111111111111111111111111111111111111",
            "Config1111111111111111111111111111111111111",
            "Feature111111111111111111111111111111111111",
            "NativeLoader1111111111111111111111111111111",
            "Sysvar1111111111111111111111111111111111111",
            "SysvarC1ock11111111111111111111111111111111",
            "SysvarRent111111111111111111111111111111111",
            "SysvarRecentB1ockHashes11111111111111111111",
            "SysvarRewards111111111111111111111111111111",
            "SysvarS1otHashes111111111111111111111111111",
            "SysvarS1otHistory11111111111111111111111111",
        ),
        SYSTEM,
    ),
}

_RIPPLE: Final[Mapping[str, str]] = {
    # Named in the ledger's documentation: the genesis account, whose key is public, and two that
    # have none; then the issuer of RLUSD.
    "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh": BURN_ADDRESS,
    "rrrrrrrrrrrrrrrrrNAMEtxvNvQ": BURN_ADDRESS,
    "rrrrrrrrrrrrrrrrrrrn5RM1rHd": BURN_ADDRESS,
    "rMxCKbEDwqr76QuheSUMdEGf4B9xJ8m5De": ISSUER,
}


def _strkey(text: str) -> bytes:
    return base32.decode(text)[1:33]


_STELLAR: Final[Mapping[bytes, str]] = {
    # By the key, which a muxed account has too. The issuers of USDC and EURC; the account in which
    # the foundation burnt its lumens.
    _strkey("GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN"): ISSUER,
    _strkey("GDHU6WRG4IEQXM5NZ4BMPKOXHW76MZM4Y2IEMFDVXBSDP6SJY4ITNPP2"): ISSUER,
    _strkey("GALAXYVOIDAOPZTDLHILAJQKCVVFMD4IKLXLSZV5YHO7VY74IWZILUTO"): BURN_ADDRESS,
}

_TON: Final[Mapping[str, str]] = {
    # By the account's 32 bytes: the masters of USDT, of Notcoin and of wrapped TON in two
    # versions; the elector, the configuration.
    "b113a994b5024a16719f69139328eb759596c38a25f59028b146fecdc3621dfe": TOKEN,
    "2f956143c461769579baef2e32cc2d7bc18283f40d20bb03e432cd603ac33ffc": TOKEN,
    "8cdc1d7640ad5ee326527fc1ad0514f468b30dc84b0173f0e155f451b4e11f7c": TOKEN,
    "83dfd552e63729b472fcbcc8c45ebcc6691702558b68ec7527e1ba403a0f31a8": TOKEN,
    "3" * 64: SYSTEM,
    "5" * 64: SYSTEM,
}

#: Module accounts of the Cosmos Hub: their addresses are made from these names, and the bank module
#: refuses to send to most of them.
_COSMOS_MODULES: Final = (
    "fee_collector",
    "distribution",
    "bonded_tokens_pool",
    "not_bonded_tokens_pool",
    "gov",
    "mint",
    "transfer",
    "interchainaccounts",
)
_COSMOS: Final = frozenset(hashlib.sha256(name.encode()).digest()[:20] for name in _COSMOS_MODULES)

# Accounts of pallets, and of other parachains: these letters, a number, and zeros.
_POLKADOT_PREFIXES: Final = (b"modl", b"para", b"sibl")
_POLKADOT_REST: Final = bytes(8)

_BASE58: Final = frozenset(
    {
        "1BitcoinEaterAddressDontSendf59kuE",
        "1CounterpartyXXXXXXXXXXXXXXXUWLpVr",
        "DDogepartyxxxxxxxxxxxxxxxxxxw1dfzr",
    }
)


def refuse_account(account: bytes) -> None:
    """Refuse the 20 bytes of an EVM or TRON account that is nobody's."""
    _refuse(_ACCOUNTS.get(account))
    if int.from_bytes(account) <= _LAST_SYSTEM_NUMBER or account.startswith(_OP_PREDEPLOYS):
        raise AddressError(SYSTEM)


def refuse_solana(address: str) -> None:
    """Refuse a mint or a program of Solana."""
    _refuse(_SOLANA.get(address))


def refuse_ripple(address: str) -> None:
    """Refuse a classic address that is a black hole or an issuer."""
    _refuse(_RIPPLE.get(address))


def refuse_stellar(key: bytes) -> None:
    """Refuse the key of an issuer, or of an account made to burn."""
    _refuse(_STELLAR.get(key))


def refuse_ton(account: bytes) -> None:
    """Refuse the 32 bytes of a token's master or of a system contract, on either workchain."""
    _refuse(_TON.get(account.hex()))


def refuse_cosmos(account: bytes) -> None:
    """Refuse the account of a module."""
    _refuse(SYSTEM if account in _COSMOS else None)


def refuse_polkadot(account: bytes) -> None:
    """Refuse the account of a pallet or of another parachain: no key exists for it."""
    named = account.startswith(_POLKADOT_PREFIXES) and account.endswith(_POLKADOT_REST)
    _refuse(SYSTEM if named else None)


def refuse_base58(address: str) -> None:
    """Refuse an address of Bitcoin's kind that was made to burn."""
    _refuse(BURN_ADDRESS if address in _BASE58 else None)


def _refuse(why: str | None) -> None:
    if why is not None:
        raise AddressError(why)
