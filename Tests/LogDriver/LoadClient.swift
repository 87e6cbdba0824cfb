import Glibc
import Host

/// Sends HTTP requests over many connections that stay open, one at a time on each, from one thread: as little of the
/// machine as a client can take, so that what is measured is the server.
struct LoadClient {
    /// An answer that was read to its end.
    struct Answer {
        let status: Int
        let body: [UInt8]
        let nanoseconds: Int64
    }

    private struct Connection {
        let socket: Int32
        var request = 0
        var began: Int64 = 0
        /// What is not sent yet.
        var output: [UInt8] = []
        var sent = 0
        var input: [UInt8] = []
        /// Where the content of the answer begins and ends, once its head is there.
        var content: Range<Int>?
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    let port: UInt16

    /// POST with a content.
    static func post(_ path: String, _ content: [UInt8]) -> [UInt8] {
        Array("POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(content.count)\r\n\r\n".utf8) + content
    }

    static func get(_ path: String) -> [UInt8] { Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8) }

    /// One request, and its answer.
    func ask(_ request: [UInt8]) throws -> Answer {
        var answer: Answer?
        try run(connections: 1, count: 1, request: { _ in request }, answered: { answer = $1 })
        guard let answer else { throw Failure("no answer") }
        return answer
    }

    /// Sends `count` requests as `request` makes them, and gives each answer to `answered`.
    func run(
        connections: Int, count: Int, request: (Int) -> [UInt8], answered: (Int, Answer) throws -> Void
    ) throws {
        var all: [Connection] = []
        defer { for connection in all { close(connection.socket) } }
        for _ in 0..<min(connections, count) { all.append(Connection(socket: try connect())) }
        var ready = all.map { pollfd(fd: $0.socket, events: Int16(POLLIN), revents: 0) }
        var (next, done) = (0, 0)
        func begin(_ place: Int) throws {
            guard next < count else { return }
            all[place].request = next
            all[place].output = request(next)
            all[place].sent = 0
            all[place].began = Clocks.monotonicNanoseconds()
            next += 1
            try send(&all[place], &ready[place])
        }
        for place in all.indices { try begin(place) }
        while done < count {
            let found = unsafe poll(&ready, nfds_t(ready.count), 60_000)
            if found < 0, errno == EINTR { continue }
            guard found > 0 else { throw Failure("no answer for a minute, after \(done) of \(count)") }
            for place in ready.indices where ready[place].revents != 0 {
                let happened = Int32(ready[place].revents)
                if happened & POLLOUT != 0 { try send(&all[place], &ready[place]) }
                guard happened & ~POLLOUT != 0, let answer = try receive(&all[place]) else { continue }
                done += 1
                try answered(all[place].request, answer)
                try begin(place)
            }
        }
    }

    private func connect() throws -> Int32 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let connected = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe Glibc.connect(socket, $0, size) }
        }
        guard connected == 0 else { throw Failure("can't connect to port \(port): \(errno)") }
        var one: Int32 = 1
        _ = unsafe setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        _ = fcntl(socket, F_SETFL, O_NONBLOCK)
        return socket
    }

    private func send(_ connection: inout Connection, _ ready: inout pollfd) throws {
        while connection.sent < connection.output.count {
            let (socket, start) = (connection.socket, connection.sent)
            let count = unsafe connection.output.withUnsafeBytes {
                unsafe Glibc.send(
                    socket, $0.baseAddress.map { unsafe $0 + start }, $0.count - start, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EAGAIN {
                ready.events = Int16(POLLIN | POLLOUT)
                return
            }
            guard count > 0 else { throw Failure("send: \(errno)") }
            connection.sent += count
        }
        ready.events = Int16(POLLIN)
    }

    private func receive(_ connection: inout Connection) throws -> Answer? {
        let socket = connection.socket
        while true {
            var end = 0
            let part = unsafe [UInt8](unsafeUninitializedCapacity: 16_384) { buffer, count in
                end = unsafe recv(socket, buffer.baseAddress, buffer.count, 0)
                count = max(0, end)
            }
            if end < 0, errno == EAGAIN { break }
            guard end > 0 else { throw Failure("the server closed the connection (\(end), \(errno))") }
            connection.input += part
            if part.count < 16_384 { break }
        }
        if connection.content == nil { connection.content = try Self.content(connection.input) }
        guard let content = connection.content, connection.input.count >= content.upperBound else { return nil }
        let status = connection.input[9..<12].reduce(0) { $0 * 10 + Int($1) - 48 }
        let answer = Answer(
            status: status, body: Array(connection.input[content]),
            nanoseconds: Clocks.monotonicNanoseconds() - connection.began)
        connection.input = []
        connection.content = nil
        return answer
    }

    /// Where the content is in an answer; `nil` until its head has ended.
    private static func content(_ input: [UInt8]) throws -> Range<Int>? {
        let name = Array("\ncontent-length:".utf8)
        var length: Int?
        var place = 0
        while place + 3 < input.count {
            if input[place] == 0x0A {
                if input[place + 1] == 0x0D, input[place + 2] == 0x0A {
                    guard let length else { throw Failure("an answer without a length") }
                    return (place + 3)..<(place + 3 + length)
                }
                if place + name.count < input.count,
                    zip(name, input[place...]).allSatisfy({ $0 == $1 | 0x20 || $0 == $1 })
                {
                    var digits = place + name.count
                    while digits < input.count, input[digits] == 0x20 { digits += 1 }
                    var number = 0
                    while digits < input.count, (48...57).contains(input[digits]) {
                        number = number * 10 + Int(input[digits]) - 48
                        digits += 1
                    }
                    length = number
                }
            }
            place += 1
        }
        if place + 2 < input.count, input[place] == 0x0A, input[place + 1] == 0x0D, input[place + 2] == 0x0A, let length
        {
            return (place + 3)..<(place + 3 + length)
        }
        return nil
    }
}
