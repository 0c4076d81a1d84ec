#!/usr/bin/env python3
"""DuckDB behind Arrow Flight SQL, in the place of GizmoSQL where that is not to be had: the same engine behind the same
library (pyarrow's Flight is that of C++). It answers queries, and prepares what drivers prepare; nothing else. Reading
a result holds no lock of Python's, asking for one does: so it is a peer for what is large, and not for what is small."""

import argparse
import secrets
import threading

import duckdb
import pyarrow
from pyarrow import flight

TYPE = b"type.googleapis.com/arrow.flight.protocol.sql."
BATCH = 65_536


def fields(message):
    """The fields of a message of protobuf that are texts or messages."""
    found, at = {}, 0
    while at < len(message):
        tag, at = varint(message, at)
        if tag & 7 == 0:
            _, at = varint(message, at)
            continue
        if tag & 7 != 2:
            raise flight.FlightServerError("this message is not read here")
        length, at = varint(message, at)
        found[tag >> 3] = message[at : at + length]
        at += length
    return found


def varint(message, at):
    value = shift = 0
    while True:
        value |= (message[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if message[at - 1] < 128:
            return value, at


def field(number, value):
    head, length = [number << 3 | 2], len(value)
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    return bytes([*head, length]) + value


def reads(text):
    return text.lstrip().lower().startswith(("select", "from", "with"))


class Server(flight.FlightServerBase):
    def __init__(self, location, threads, memory):
        super().__init__(location)
        config = {"threads": threads, **({"memory_limit": memory} if memory else {})}
        self.database = duckdb.connect(config=config)
        self.texts, self.lock = {}, threading.Lock()

    def text(self, command):
        """The statement that a command stands for."""
        packed = fields(command)
        name, value = packed[1].removeprefix(TYPE), fields(packed.get(2, b""))
        if name == b"CommandPreparedStatementQuery":
            return self.texts[value[1]]
        if name not in (b"CommandStatementQuery", b"ActionCreatePreparedStatementRequest"):
            raise flight.FlightServerError(f"{name.decode()} is not answered here")
        return value[1].decode()

    def keep(self, text):
        handle = secrets.token_bytes(16)
        with self.lock:
            self.texts[handle] = text
        return handle

    def get_flight_info(self, context, descriptor):
        text = self.text(descriptor.command)
        endpoints = [flight.FlightEndpoint(self.keep(text), [])]
        return flight.FlightInfo(self.columns(text), descriptor, endpoints, -1, -1)

    def columns(self, text):
        """What a result has for columns, without having it made."""
        with self.database.cursor() as cursor:
            if not reads(text):
                return pyarrow.schema([])
            empty = cursor.sql(f"FROM ({text.rstrip().rstrip(';')}) LIMIT 0")
            return empty.to_arrow_reader(1).schema

    def do_get(self, context, ticket):
        with self.lock:
            text = self.texts.pop(ticket.ticket)
        cursor = self.database.cursor()
        if reads(text):
            return flight.RecordBatchStream(cursor.sql(text).to_arrow_reader(BATCH))
        cursor.execute(text)
        return flight.RecordBatchStream(pyarrow.schema([]).empty_table())

    def do_action(self, context, action):
        if action.type == "CreatePreparedStatement":
            text = self.text(action.body.to_pybytes())
            columns = self.columns(text).serialize().to_pybytes()
            made = field(1, self.keep(text)) + field(2, columns)
            yield flight.Result(field(1, TYPE + b"ActionCreatePreparedStatementResult") + field(2, made))
        elif action.type == "ClosePreparedStatement":
            handle = fields(fields(action.body.to_pybytes())[2])[1]
            with self.lock:
                self.texts.pop(handle, None)
        else:
            raise flight.FlightServerError(f"{action.type} is not answered here")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", help="a limit such as 2GB")
    args = parser.parse_args()
    server = Server("grpc://127.0.0.1:0", args.threads, args.memory)
    print(f"serving at 127.0.0.1:{server.port}", flush=True)
    server.serve()


if __name__ == "__main__":
    main()
