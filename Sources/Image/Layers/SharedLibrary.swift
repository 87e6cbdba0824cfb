internal import Bytes

/// What the dynamic linker's cache has to know of a file: that it is a shared library of this architecture, and its
/// soname (ELF gABI, chapters 4 and 5).
struct SharedLibrary: Hashable, Sendable {
    /// As the cache's entry names it.
    var soname: String
    /// The ELF machine, with the class and byte order that it is used with.
    var machine: Machine

    struct Machine: Hashable, Sendable {
        var number: Int
        var is64Bit: Bool
        var isLittleEndian: Bool
    }

    init(soname: String, machine: Machine) {
        self.soname = soname
        self.machine = machine
    }

    /// Reads the headers of `bytes`; `nil` for what is no shared library. `name` stands in where there is no soname.
    init?(_ bytes: [UInt8], name: String) {
        guard bytes.count >= 64, bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]), bytes[6] == 1,
            1...2 ~= bytes[4], 1...2 ~= bytes[5]
        else { return nil }
        let reader = ELFReader(bytes: bytes, is64Bit: bytes[4] == 2, isLittleEndian: bytes[5] == 1)
        guard reader.number(16, 2) == 3, let number = reader.number(18, 2) else { return nil }
        machine = Machine(number: number, is64Bit: reader.is64Bit, isLittleEndian: reader.isLittleEndian)
        guard let found = reader.soname() else { return nil }
        soname = found.isEmpty ? name : found
    }
}

/// Bounds-checked fields of an ELF file that may be hostile.
private struct ELFReader {
    let bytes: [UInt8]
    let is64Bit: Bool
    let isLittleEndian: Bool

    func number(_ offset: Int, _ count: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - count else { return nil }
        var value: UInt64 = 0
        for index in 0..<count {
            let place = isLittleEndian ? offset + count - 1 - index : offset + index
            value = value << 8 | UInt64(bytes[place])
        }
        return value <= UInt64(Int32.max) * 16 ? Int(value) : nil
    }

    private var word: Int { is64Bit ? 8 : 4 }

    private struct Segment {
        var type: Int
        var offset: Int
        var address: Int
        var size: Int
    }

    private func segments() -> [Segment]? {
        guard let start = number(is64Bit ? 32 : 28, word), let size = number(is64Bit ? 54 : 42, 2),
            let count = number(is64Bit ? 56 : 44, 2), size >= (is64Bit ? 56 : 32), count <= 256
        else { return nil }
        var out: [Segment] = []
        for index in 0..<count {
            let at = start + index * size
            guard let type = number(at, 4) else { return nil }
            guard let offset = number(at + (is64Bit ? 8 : 4), word),
                let address = number(at + (is64Bit ? 16 : 8), word),
                let length = number(at + (is64Bit ? 32 : 16), word)
            else { continue }
            out.append(Segment(type: type, offset: offset, address: address, size: length))
        }
        return out
    }

    /// The soname; empty where the dynamic section has none; `nil` where there is no dynamic section.
    func soname() -> String? {
        guard let segments = segments(), let dynamic = segments.first(where: { $0.type == 2 }) else { return nil }
        var name: Int?
        var table: Int?
        for index in 0..<min(dynamic.size / (word * 2), 4096) {
            let at = dynamic.offset + index * word * 2
            guard let tag = number(at, word) else { continue }
            if tag == 0 { break }
            guard let value = number(at + word, word) else { continue }
            if tag == 14 { name = value }
            if tag == 5 { table = value }
        }
        guard let name else { return "" }
        guard let table,
            let load = segments.first(where: { $0.type == 1 && $0.address <= table && table < $0.address + $0.size })
        else { return nil }
        let start = table - load.address + load.offset + name
        guard start >= 0, start < bytes.count else { return nil }
        let text = bytes[start...].prefix(256).prefix { $0 != 0 }
        guard text.count < 256, text.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "/") }) else { return nil }
        return String(decoding: text, as: UTF8.self)
    }
}
