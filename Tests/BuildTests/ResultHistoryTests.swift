import Bytes
import Host
import SystemPackage
import TestKit
import Testing
import Workspace

@testable import Build

struct ResultHistoryTests {
    private let directory: TemporaryDirectory
    private let names: [PackageName]

    init() throws {
        directory = try TemporaryDirectory()
        names = try ["a:a", "b:b"].map { try #require(PackageName($0)) }
    }

    @Test("the last key of each package is kept, each workspace for itself")
    func keeps() async throws {
        let history = ResultHistory(of: "/ws", in: directory["history"])
        #expect(history.keys().isEmpty)
        try await history.record([names[0]: .of("1"), names[1]: .of("2")])
        try await history.record([names[0]: .of("3")])
        #expect(history.keys() == [names[0]: .of("3"), names[1]: .of("2")])
        #expect(ResultHistory(of: "/other", in: directory["history"]).keys().isEmpty)
    }

    @Test("a damaged history is an empty one, and is replaced")
    func damaged() async throws {
        let history = ResultHistory(of: "/ws", in: directory["history"])
        try await history.record([names[0]: .of("1")])
        let file = directory["history"].appending("\(Digest.of("/ws").hex).json")
        try Files.write(Array("{\"packages\":{\"a:a\"".utf8), to: file)
        #expect(history.keys().isEmpty)
        try await history.record([names[1]: .of("2")])
        #expect(history.keys() == [names[1]: .of("2")])
    }

    @Test("writers at the same time lose nothing")
    func together() async throws {
        let history = ResultHistory(of: "/ws", in: directory["history"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    try await history.record([PackageName(component: "c", name: "\(number)"): .of("\(number)")])
                }
            }
            try await group.waitForAll()
        }
        #expect(history.keys().count == 20)
    }
}
