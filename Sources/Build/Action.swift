package import Bytes

/// What a step is, to the last byte: the Remote Execution API's `Action`, whose digest is the action key.
///
/// The encoding is the canonical protobuf one (remote-apis, `remote_execution.proto`): fields in order, lists sorted
/// where the API says so.
package struct Action: Sendable {
    /// The command's argument vector.
    package var arguments: [String]
    package var environment: [String: String]
    package var workingDirectory: String
    /// Properties of the machine that the result depends on: platform, tools, sandbox.
    package var platform: [String: String]
    /// The digest of the directory that the command sees, and the size of its encoding.
    package var inputRoot: (digest: Digest, size: Int)
    /// In whole seconds; 0 means none.
    package var timeout: Int

    /// The encoded `Command` message.
    package var command: [UInt8] {
        var writer = ProtobufWriter()
        for argument in arguments {
            // An empty argument is an argument; the writer leaves out only fields that are not repeated.
            if argument.isEmpty { writer.add(1, message: ProtobufWriter()) } else { writer.add(1, argument) }
        }
        Self.add(2, environment, to: &writer)
        writer.add(5, message: platformMessage)
        writer.add(6, workingDirectory)
        return writer.bytes
    }

    /// The encoded `Action` message.
    package var encoded: [UInt8] {
        let command = command
        var writer = ProtobufWriter()
        writer.add(1, message: Self.message(.of(command), size: command.count))
        writer.add(2, message: Self.message(inputRoot.digest, size: inputRoot.size))
        if timeout > 0 {
            var duration = ProtobufWriter()
            duration.add(1, varint: UInt64(timeout))
            writer.add(6, message: duration)
        }
        writer.add(10, message: platformMessage)
        return writer.bytes
    }

    /// The action key.
    package var key: Digest { .of(encoded) }

    private var platformMessage: ProtobufWriter {
        var writer = ProtobufWriter()
        Self.add(1, platform, to: &writer)
        return writer
    }

    /// Names and values, sorted by name, each as a message of its own.
    private static func add(_ field: Int, _ pairs: [String: String], to writer: inout ProtobufWriter) {
        for (name, value) in pairs.sorted(by: byName) {
            var pair = ProtobufWriter()
            pair.add(1, name)
            pair.add(2, value)
            writer.add(field, message: pair)
        }
    }

    /// The API's `Digest` message.
    private static func message(_ digest: Digest, size: Int) -> ProtobufWriter {
        var writer = ProtobufWriter()
        writer.add(1, digest.hex)
        writer.add(2, varint: UInt64(size))
        return writer
    }

    private static func byName(_ left: (key: String, value: String), _ right: (key: String, value: String)) -> Bool {
        left.key.utf8.lexicographicallyPrecedes(right.key.utf8)
    }
}
