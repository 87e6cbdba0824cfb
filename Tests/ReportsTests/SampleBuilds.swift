import Build
import Bytes
import Reports
import Workspace

/// Builds that the tests report on.
enum SampleBuilds {
    static func name(_ text: String) -> PackageName {
        PackageName(text) ?? PackageName(component: "//", name: text)
    }

    static func plan(_ name: String, _ dependencies: [String] = [], isCached: Bool = false) -> PlannedPackage {
        PlannedPackage(
            name: self.name(name), leewayVersion: "0123456789abcdef0123456789abcdef01234567",
            dependencies: dependencies.map(self.name), isCached: isCached)
    }

    static func event(_ milliseconds: Int, _ kind: BuildEvent.Kind) -> BuildEvent {
        BuildEvent(kind, time: .milliseconds(milliseconds))
    }

    /// A cached library, a package that is built beside one whose tests fail, and one that is skipped for that.
    static let failing: [BuildEvent] = [
        event(
            0,
            .planned([
                plan("libs/greeting:lib", isCached: true),
                plan("apps/hello:app", ["libs/greeting:lib"]),
                plan("apps/web:app"),
                plan("apps/hello:image", ["apps/hello:app", "apps/web:app"]),
            ])),
        event(0, .packageFinished(name("libs/greeting:lib"), .cached, artifact: Digest.of("greeting"))),
        event(10, .packageStarted(name("apps/hello:app"))),
        event(10, .stepStarted(name("apps/hello:app"), .prep)),
        event(20, .packageStarted(name("apps/web:app"))),
        event(20, .stepStarted(name("apps/web:app"), .test)),
        event(110, .stepFinished(name("apps/hello:app"), .prep, .built)),
        event(110, .stepStarted(name("apps/hello:app"), .build)),
        event(200, .stepOutput(name("apps/web:app"), .test, Array("ok 1\nnot o".utf8))),
        event(300, .stepOutput(name("apps/hello:app"), .build, Array("compiling\n".utf8))),
        event(400, .stepOutput(name("apps/web:app"), .test, Array("k 2 - 日本\n1 of 2 failed".utf8))),
        event(1520, .stepFinished(name("apps/web:app"), .test, .failed("exit status 1"))),
        event(1520, .packageFinished(name("apps/web:app"), .failed("exit status 1"), artifact: nil)),
        event(2110, .stepFinished(name("apps/hello:app"), .build, .built)),
        event(2110, .stepStarted(name("apps/hello:app"), .package)),
        event(2210, .stepFinished(name("apps/hello:app"), .package, .cached)),
        event(2210, .packageFinished(name("apps/hello:app"), .built, artifact: Digest.of("hello"))),
        event(2210, .packageFinished(name("apps/hello:image"), .skipped, artifact: nil)),
        event(2210, .warning(nil, "the sandbox is off")),
        event(2210, .finished(succeeded: false)),
    ]

    /// Ended while a step ran: nothing says how that step and its package ended.
    static let cancelled: [BuildEvent] = [
        event(0, .planned([plan("a:one"), plan("a:two", ["a:one"])])),
        event(0, .packageStarted(name("a:one"))),
        event(0, .stepStarted(name("a:one"), .test)),
        event(500, .stepOutput(name("a:one"), .test, Array("working".utf8))),
        event(1000, .finished(succeeded: false)),
    ]

    /// What a step may print to harm whoever reads a report.
    static let hostileOutput: [UInt8] =
        Array(
            "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[31mred\u{1b}[0m </script><script>alert(1)</script> ]]> &amp; \"'\n".utf8
        )
        + [0x00, 0xff, 0xfe, 0xc3] + Array("\u{202e}reversed\u{9b}2J \u{fffe}\u{1b}]52;c;never ended".utf8) + [0x0a]
        + Array("0%\r50%\r100%\r\nlast".utf8)

    /// A failed test with hostile output, in a package with a hostile name.
    static let hostile: [BuildEvent] = [
        event(0, .planned([plan("a<b>&\"'\u{1b}[2J\ninjected=true:x]]>")])),
        event(0, .packageStarted(name("a<b>&\"'\u{1b}[2J\ninjected=true:x]]>"))),
        event(0, .stepStarted(name("a<b>&\"'\u{1b}[2J\ninjected=true:x]]>"), .test)),
        event(5, .stepOutput(name("a<b>&\"'\u{1b}[2J\ninjected=true:x]]>"), .test, hostileOutput)),
        event(
            9,
            .stepFinished(
                name("a<b>&\"'\u{1b}[2J\ninjected=true:x]]>"), .test, .failed("</script>\u{1b}[2J\0]]>"))),
        event(
            9,
            .packageFinished(
                name("a<b>&\"'\u{1b}[2J\ninjected=true:x]]>"), .failed("</script>\u{1b}[2J\0]]>"), artifact: nil)),
        event(9, .warning(nil, "<img src=x onerror=alert(1)>\u{1b}[2J")),
        event(9, .finished(succeeded: false)),
    ]
}
