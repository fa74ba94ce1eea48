// A unit of modbus-serial or jsmodbus: node_unit.js modbus-serial|jsmodbus-tcp|jsmodbus-rtu PORT, with the folder of their modules in
// NODE_PATH. What it holds and says is what pymodbus_unit.py says. jsmodbus-rtu: RTU frames on a TCP connection.
"use strict";
const net = require("node:net");

const CELLS = 100;
const coils = Array.from({length: CELLS}, (_, a) => a % 3 === 0);
const discretes = Array.from({length: CELLS}, (_, a) => a % 2 === 1);
const holdings = Array.from({length: CELLS}, (_, a) => 1000 + a);
const inputs = Array.from({length: CELLS}, (_, a) => 2000 + a);

const say = (table, address, value) => console.log(`${table} ${address} ${Number(value)}`);
const ready = () => console.log("ready");

function modbusSerial(port) {
    const {ServerTCP} = require("modbus-serial");
    const set = (table, cells) => (address, value) => {
        cells[address] = value;
        say(table, address, value);
    };
    const vector = {
        getCoil: a => coils[a],
        getDiscreteInput: a => discretes[a],
        getHoldingRegister: a => holdings[a],
        getInputRegister: a => inputs[a],
        setCoil: set("coil", coils),
        setRegister: set("holding", holdings),
    };
    new ServerTCP(vector, {host: "127.0.0.1", port, unitID: 1, debug: false}).on("initialized", ready);
}

function packed(bits) {
    const bytes = Buffer.alloc(Math.ceil(bits.length / 8));
    bits.forEach((bit, i) => { bytes[i >> 3] |= bit << (i & 7); });
    return bytes;
}

function words(values) {
    const bytes = Buffer.alloc(2 * values.length);
    values.forEach((value, i) => bytes.writeUInt16BE(value, 2 * i));
    return bytes;
}

// Its own buffers are what it answers from; they are compared after each request, to say what was written.
function jsmodbus(port, framing) {
    const modbus = require("jsmodbus");
    const options = {coils: packed(coils), discrete: packed(discretes), holding: words(holdings), input: words(inputs)};
    const held = {coil: coils.slice(), holding: holdings.slice()};
    const compare = () => {
        for (let a = 0; a < CELLS; a++) {
            const bit = (options.coils[a >> 3] >> (a & 7)) & 1, word = options.holding.readUInt16BE(2 * a);
            if (bit !== Number(held.coil[a])) { say("coil", a, bit); held.coil[a] = bit; }
            if (word !== held.holding[a]) { say("holding", a, word); held.holding[a] = word; }
        }
    };
    const listener = new net.Server();
    if (framing === "tcp") {
        new modbus.server.TCP(listener, options);
    } else {
        listener.on("connection", socket => new modbus.server.RTU(socket, options));
    }
    listener.on("connection", socket => socket.on("data", () => setImmediate(compare)));
    listener.listen(port, "127.0.0.1", ready);
}

const [which, port] = process.argv.slice(2);
process.on("SIGTERM", () => process.exit(0));
if (which === "modbus-serial") {
    modbusSerial(Number(port));
} else {
    jsmodbus(Number(port), which.replace("jsmodbus-", ""));
}
