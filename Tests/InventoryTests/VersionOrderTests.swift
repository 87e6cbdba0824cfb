import Testing

@testable import Inventory

/// Versions in ascending order, from the specifications; each is compared with each.
struct VersionOrderTests {
    static let ladders: [(Ecosystem, [String])] = [
        (
            .npm,
            [
                "0.0.0-a", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
                "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2", "1.10.0", "2", "99999999999999999999.0.0",
            ]
        ),
        (
            .go,
            [
                "v0.0.0-20190101000000-0123456789ab", "v0.0.0-20200101000000-0123456789ab", "v0.0.1",
                "v1.2.3-0.20200101000000-0123456789ab", "v1.2.3-pre", "v1.2.3-pre.0.20200101000000-0123456789ab",
                "v1.2.3", "v1.2.4-0.20200101000000-0123456789ab", "v2.0.0+incompatible",
            ]
        ),
        (
            .debian,
            [
                "1.0~~", "1.0~~a", "1.0~", "1.0", "1.0-0.1", "1.0-1", "1.0-1+b1", "1.0a", "1.0+dfsg-1", "1.0.1",
                "1.2", "1.10", "2-1~bpo1", "2-1", "1:0.1",
            ]
        ),
        (
            .pypi,
            [
                "nonsense", "1.0.dev1", "1.0a1.dev2", "1.0a1", "1.0a2", "1.0b1", "1.0rc1", "1.0", "1.0+abc", "1.0+5",
                "1.0.post1.dev1", "1.0.post1", "1.0.1", "1.1.dev1", "1.1", "1.10", "1!0.1",
            ]
        ),
        (
            .maven,
            [
                "1-alpha-1", "1-alpha-2", "1-beta", "1-milestone", "1-rc", "1-SNAPSHOT", "1", "1-sp", "1-whatever",
                "1-1", "1.1", "1.2", "1.10", "2",
            ]
        ),
        (.rubygems, ["1.0.a", "1.0.b1", "1.0.b2", "1.0.rc1", "1.0", "1.0.1", "1.1", "1.10", "2.0.0-1", "2"]),
        (.composer, ["1.0-dev", "1.0-alpha", "1.0-beta2", "1.0-RC1", "1.0", "1.0-pl1", "1.0.1", "1.1", "1.10"]),
    ]

    @Test("versions are in the order of their ecosystem", arguments: ladders.map(\.0))
    func order(_ ecosystem: Ecosystem) throws {
        let ladder = try #require(Self.ladders.first { $0.0 == ecosystem }).1
        for (low, left) in ladder.enumerated() {
            for (high, right) in ladder.enumerated() {
                let order = VersionOrder.compare(left, right, in: ecosystem)
                #expect(order == (low < high ? -1 : low == high ? 0 : 1), "\(left) and \(right)")
            }
        }
    }

    @Test(
        "spellings of one version are equal",
        arguments: [
            (Ecosystem.npm, "1.0.0", "v1.0.0+build"), (.cargo, "1", "1.0.0"), (.debian, "0:1.0", "1.0"),
            (.debian, "1.0", "1.0-0"),
            (.pypi, "1.0", "1"), (.pypi, "1.0.0-RC.1", "1rc1"), (.pypi, "1.0-1", "1.post1"), (.pypi, "v1.0", " 1.0 "),
            (.maven, "1.0", "1"), (.maven, "1-ga", "1.0.0"), (.maven, "1a1", "1-alpha-1"), (.rubygems, "1.0", "1"),
            (.composer, "v1.0", "1.0.0"),
        ])
    func equal(_ ecosystem: Ecosystem, _ left: String, _ right: String) {
        #expect(VersionOrder.compare(left, right, in: ecosystem) == 0)
        #expect(VersionOrder.compare(right, left, in: ecosystem) == 0)
    }

    @Test("comparing ends for every text, and turns around", arguments: Ecosystem.allCases)
    func hostile(_ ecosystem: Ecosystem) {
        let texts = [
            "", ".", "-", "--", "1..", "~", ":", "1:", "é", "1-1-1-1", "a.b.c", "1!", "+",
            String(repeating: "1a", count: 3000),
        ]
        for left in texts {
            for right in texts {
                let there = VersionOrder.compare(left, right, in: ecosystem)
                #expect(
                    VersionOrder.compare(right, left, in: ecosystem) == -there,
                    "\(left.prefix(9)) and \(right.prefix(9))")
            }
        }
    }
}
