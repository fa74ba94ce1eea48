"""pymodbus as unit 1, on a serial port and on TCP: pymodbus_unit.py PATH PORT. Coil a is 1 where a is a multiple of 3, discrete
input a where it is odd, holding register a is 1000 + a, input register a 2000 + a. Says what is written to it."""
import asyncio
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server.async_io import ModbusSerialServer, ModbusTcpServer
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer

CELLS = 100


class Block(ModbusSequentialDataBlock):
    def __init__(self, name, values):
        super().__init__(0, values)
        self.name = name

    def setValues(self, address, values):
        super().setValues(address, values)
        for i, value in enumerate(values):
            print(f"{self.name} {address + i} {int(value)}", flush=True)


async def main(path, port):
    cells = range(CELLS)
    unit = ModbusSlaveContext(co=Block("coil", [a % 3 == 0 for a in cells]), di=Block("discrete", [a % 2 == 1 for a in cells]),
                              hr=Block("holding", [1000 + a for a in cells]), ir=Block("input", [2000 + a for a in cells]),
                              zero_mode=True)
    context = ModbusServerContext(slaves={1: unit}, single=False)
    serial = ModbusSerialServer(context, ModbusRtuFramer, port=path, baudrate=115200, bytesize=8, parity="N", stopbits=1)
    await serial.start()
    tcp = ModbusTcpServer(context, ModbusSocketFramer, address=("127.0.0.1", port))
    serving = asyncio.ensure_future(tcp.serve_forever())
    await tcp.serving
    print("ready", flush=True)
    await serving


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
