"""pymodbus, Debian's, as a unit on a serial port and on TCP: read and written by our driver, read by the daemon."""
import importlib.util
import os
import sys

import peers


class Pymodbus(peers.PeerTest):
    def setUp(self):
        super().setUp()
        self.port = peers.harness.free_port()
        self.wire = self.cable()
        self.peer = self.start("pymodbus", [sys.executable, "-B", os.path.join(peers.HERE, "pymodbus_unit.py"), self.wire.far_path,
                                            str(self.port)])

    def test_is_read_and_written_over_a_serial_line(self):
        self.drives(self.peer, "rtu", self.wire.path)

    def test_is_read_and_written_over_modbus_tcp(self):
        self.drives(self.peer, "tcp", self.port)

    def test_is_read_by_the_daemon_over_both(self):
        self.dustd_reads(f"transport: rtu, path: {self.wire.path}, baud: 115200")
        self.dustd_reads(f"transport: tcp, host: 127.0.0.1, port: {self.port}")


if __name__ == "__main__":
    for module in ("pymodbus", "serial_asyncio"):
        if not importlib.util.find_spec(module):
            peers.skip(f"this Python has no {module} (script/bootstrap installs python3-pymodbus and python3-serial-asyncio)")
    peers.main()
