"""Addresses in public use or printed in standards, one or more for every kind that exists."""

from __future__ import annotations

from typing import NamedTuple


class Sample(NamedTuple):
    network: str
    address: str
    kind: str


BASE58 = [
    # The key of the genesis block; a vanity script address of the early years.
    Sample("BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "p2pkh"),
    Sample("BTC", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", "p2sh"),
    Sample("LTC", "LYhttvnKawAv6RcHQ4eBkNtifuiEA99PFe", "p2pkh"),
    Sample("LTC", "MQMcJhpWHYVeQArcZR3sBgyPZxxRtnH441", "p2sh"),
    Sample("LTC", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", "p2sh"),
    Sample("DOGE", "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L", "p2pkh"),
    Sample("BCH", "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu", "p2pkh"),
    Sample("BCH", "3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC", "p2sh"),
    Sample("TRX", "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8", "account"),
    Sample("XRP", "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf", "classic"),
    Sample("XRP", "XV5sbjUmgPpvXv4ixFWZ5ptAYZ6PD2qwGkhgc48zzcx6Gkr", "x-address"),
    # Alice of Substrate's development keys, on Polkadot.
    Sample("DOT", "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5", "account"),
    Sample("ADA", "Ae2tdPwUPEZFRbyhz3cpfC2CumGzNkFBN2L42rcUc2yjQpEkxDbkPodpMAi", "byron-icarus"),
    Sample(
        "ADA",
        "DdzFFzCqrhsrcTVhLygT24QwTnNqQqQ8mZrq5jykUzMveU26sxaH529kMpo7VhPrt5pwW3dXeB2k3EEvKcNBRmzC"
        "fcQ7dTkyGzTs658C",
        "byron-daedalus",
    ),
    Sample("ZEC", "t1UYsZVJkLPeMjxEtACvSxfWuNmddpWfxzs", "p2pkh"),
    # Zcash's first founders' reward address.
    Sample("ZEC", "t3Vz22vK5z2LcKEdg16Yv4FFneEL1zg9ojd", "p2sh"),
]

MONERO = [
    # The project's former and present donation addresses.
    Sample(
        "XMR",
        "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RV"
        "GQBEP3A",
        "standard",
    ),
    Sample(
        "XMR",
        "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoog"
        "Davup3H",
        "subaddress",
    ),
    # From Monero's documentation of integrated addresses.
    Sample(
        "XMR",
        "4LL9oSLmtpccfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNgYeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv"
        "2bYXZKKQePHES9khPK",
        "integrated",
    ),
]

BECH32 = [
    Sample("BTC", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "p2wpkh"),
    Sample("BTC", "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3", "p2wsh"),
    Sample("BTC", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "p2tr"),
    Sample("LTC", "ltc1qhdhvrwe6rgqns8fz28tee0hphr5x7ulw5exv4w", "p2wpkh"),
    # Litecoin Core's own key chain vector.
    Sample(
        "LTC",
        "ltcmweb1qq20e2arnhvxw97katjkmsd35agw3capxjkrkh7dk8d30rczm8ypxuq329nwh2twmchhqn3jqh7ua4ps5"
        "39f6aazh79jy76urqht4qa59ts3at6gf",
        "mweb",
    ),
    Sample("ATOM", "cosmos1hsk6jryyqjfhp5dhc55tc9jtckygx0eph6dd02", "account"),
    Sample(
        "ADA",
        "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xw"
        "l2wywfgse35a3x",
        "base",
    ),
    Sample("ADA", "addr1gx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer5pnz75xxcrzqf96k", "pointer"),
    Sample(
        "ZEC",
        "zs1z7rejlpsa98s2rrrfkwmaxu53e4ue0ulcrw0h4x5g8jl04tak0d3mm47vdtahatqrlkngh9slya",
        "sapling",
    ),
    Sample("ZEC", "tex10wur2u9clts5dcpu2vc6qg93uzyj7cca2xm732", "tex"),
    Sample(
        "ZEC",
        "u1k9kavjcgta8y9t9lv3grvry5fqs6avhe9panu4jlg5j5mkkn4wj844mau24n4hx79yst6glun3wa095upapkqhg"
        "yrq9kfd7jr7q9dgpafhwvgl8ujxrlprl5zahl69cprsets6h2t98",
        "unified",
    ),
]

CASHADDR = [
    Sample("BCH", "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "p2pkh"),
    Sample("BCH", "bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq", "p2sh"),
    Sample("BCH", "bitcoincash:zr6m7j9njldwwzlg9v7v53unlr4jkmx6eycnjehshe", "p2pkh-token"),
    Sample("BCH", "bitcoincash:rpm2qsznhks23z7629mms6s4cwef74vcwv59yeyr7n", "p2sh-token"),
    Sample(
        "BCH", "bitcoincash:pvqqqqqqqqqqqqqqqqqqqqqqzg69v7ysqqqqqqqqqqqqqqqqqqqqqpkp7fqn0", "p2sh32"
    ),
]

CRC16 = [
    Sample("XLM", "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ", "account"),
    Sample("XLM", "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVAAAAAAAAAAAAAJLK", "muxed"),
    # As TON prints them in its documentation of addresses.
    Sample("TON", "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF", "bounceable"),
    Sample("TON", "UQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPuwA", "non-bounceable"),
]

ERC55 = [
    Sample("ETH", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "account"),
    Sample("BSC", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", "account"),
    Sample("POLYGON", "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "account"),
    Sample("BASE", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb", "account"),
]

NO_CHECKSUM = [
    Sample("SOL", "FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z", "account"),
    Sample("TON", "0:" + "fcb91a3a3816d0f7b8c2c76108b8a9bc5a6b7a55bd79f8ab101c52db29232260", "raw"),
]

CHECKED = [*BASE58, *MONERO, *BECH32, *CASHADDR, *CRC16, *ERC55]
ALL = [*CHECKED, *NO_CHECKSUM]
