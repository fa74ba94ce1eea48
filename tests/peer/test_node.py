"""modbus-serial and jsmodbus from npm as units: read and written by our driver, read by the daemon."""
import os
import shutil

import peers


class Node(peers.PeerTest):
    def unit(self, which):
        port = peers.harness.free_port()
        peer = self.start(which, ["node", os.path.join(peers.HERE, "node_unit.js"), which, str(port)],
                          {"NODE_PATH": peers.NODE_MODULES})
        return peer, port

    def test_modbus_serial_is_read_and_written_over_modbus_tcp(self):
        peer, port = self.unit("modbus-serial")
        self.drives(peer, "tcp", port)
        self.dustd_reads(f"transport: tcp, host: 127.0.0.1, port: {port}")

    def test_jsmodbus_is_read_and_written_over_modbus_tcp(self):
        peer, port = self.unit("jsmodbus-tcp")
        self.drives(peer, "tcp", port)
        self.dustd_reads(f"transport: tcp, host: 127.0.0.1, port: {port}")

    def test_jsmodbus_is_read_and_written_in_rtu_frames_over_tcp(self):
        peer, port = self.unit("jsmodbus-rtu")
        self.drives(peer, "rtu_over_tcp", port)
        self.dustd_reads(f"transport: rtu_over_tcp, host: 127.0.0.1, port: {port}, baud: 115200")

    def test_jsmodbus_is_read_and_written_over_a_serial_line(self):
        peer, port = self.unit("jsmodbus-rtu")
        self.drives(peer, "rtu", self.cable(port).path)


if __name__ == "__main__":
    if not shutil.which("node"):
        peers.skip("there is no node (script/bootstrap installs it where it can)")
    for package in ("modbus-serial", "jsmodbus"):
        if not os.path.isdir(os.path.join(peers.NODE_MODULES, package)):
            peers.skip(f"{package} is not in .tools/peer (script/bootstrap installs it from npm)")
    peers.main()
