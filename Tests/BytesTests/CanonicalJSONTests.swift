import Bytes
import Host
import SystemPackage
import TestKit
import Testing

/// The canonical form beside an independent implementation: ECMAScript itself, on which RFC 8785 rests.
@Suite struct CanonicalJSONTests {
    static let hasNode = ["/usr/bin/node", "/usr/local/bin/node"].contains { (try? Files.exists(FilePath($0))) == true }

    static let script = """
        const sorted = v => Array.isArray(v) ? '[' + v.map(sorted).join(',') + ']'
            : v === null || typeof v !== 'object' ? JSON.stringify(v)
            : '{' + Object.keys(v).sort().map(k => JSON.stringify(k) + ':' + sorted(v[k])).join(',') + '}';
        const lines = require('fs').readFileSync('documents', 'utf8').split('\\n').filter(l => l);
        require('fs').writeFileSync('canonical', lines.map(l => sorted(JSON.parse(l)) + '\\n').join(''));
        """

    /// Random documents from a fixed seed: numbers over the whole range of binary64, strings over all of Unicode, names
    /// whose order differs between UTF-8 and UTF-16.
    struct Documents {
        private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }

        mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

        mutating func text() -> String {
            var out = ""
            for _ in 0..<below(6) {
                let ranges: [ClosedRange<UInt32>] = [
                    0x00...0x1F, 0x20...0x7F, 0x80...0x7FF, 0xE000...0xFFFF, 0x1_0000...0x1_FFFF, 0x2028...0x2029,
                ]
                let range = ranges[below(ranges.count)]
                let value = range.lowerBound + UInt32(below(range.count))
                if let scalar = Unicode.Scalar(value) { out.unicodeScalars.append(scalar) }
            }
            return out
        }

        mutating func number() -> JSON {
            if below(3) == 0 { return .integer(Int64(bitPattern: next()) >> Int64(below(64))) }
            guard let number = JSONNumber(Double(bitPattern: next())) else { return 0 }
            return .number(number)
        }

        mutating func document(_ depth: Int) -> JSON {
            switch below(depth > 3 ? 4 : 6) {
            case 0: return .string(text())
            case 1: return number()
            case 2: return below(2) == 0 ? true : false
            case 3: return nil
            case 4: return .array((0..<below(5)).map { _ in document(depth + 1) })
            default:
                var object = JSONObject()
                for _ in 0..<below(6) { object[text()] = document(depth + 1) }
                return .object(object)
            }
        }
    }

    @Test("random documents are as ECMAScript writes them", .enabled(if: hasNode, "node is not installed"))
    func property() async throws {
        var random = Documents()
        let documents = (0..<2000).map { _ in random.document(0) }
        let directory = try TemporaryDirectory()
        try directory.write(documents.map { $0.text() + "\n" }.joined(), to: "documents")
        try directory.write(Self.script, to: "canonical.js")
        let run = try await ChildProcess.run(
            ["/usr/bin/env", "node", "canonical.js"], workingDirectory: directory.path, outputLimit: 1 << 20,
            timeLimit: .seconds(60))
        #expect(run.isSuccess, "\(run.errorText)")
        let expected = try directory.read("canonical").utf8.split(separator: 0x0A)
        #expect(expected.count == documents.count)
        for (document, line) in zip(documents, expected) {
            #expect(document.canonical().elementsEqual(line), "\(document.text())")
        }
    }
}
