"""What a connection to CockroachDB is told first; PostgreSQL would refuse it."""

import pytest

from services.collector.cockroach import keep_ddl_in_transactions


class Server:
    """A connection of DB-API and its cursor, which writes down what was committed."""

    def __init__(self, version):
        self._version, self._said, self.kept = version, [], []

    def cursor(self):
        return self

    def execute(self, statement):
        self._said.append(statement)

    def fetchone(self):
        return (self._version,)

    def close(self):
        pass

    def commit(self):
        self.kept, self._said = self.kept + self._said, []


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("CockroachDB CCL v26.3.1 (x86_64-pc-linux-gnu, built 2026/09/01)", ["SET autocommit_before_ddl = off"]),
        ("PostgreSQL 17.6 (Debian 17.6-0+deb13u1) on x86_64-pc-linux-gnu", []),
    ],
)
def test_it_is_told_to_leave_transactions_whole_and_that_lasts(version, told):
    server = Server(version)
    keep_ddl_in_transactions(server, None)
    assert server.kept == ["SELECT version()", *told]
