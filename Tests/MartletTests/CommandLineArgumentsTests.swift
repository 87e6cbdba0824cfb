import ArgumentParser
import Testing

@testable import martlet

struct CommandLineArgumentsTests {
    private func parsed(_ line: String) -> String {
        CommandLineArguments(line.split(separator: " ").map(String.init)).forParsing.joined(separator: " ")
    }

    @Test("the alias goes, and global options move behind the command")
    func leading() {
        #expect(parsed("leeway build a:b") == "build a:b")
        #expect(parsed("-w dir build a:b") == "build -w dir a:b")
        #expect(parsed("--workspace=dir -Dx=y collect files") == "collect files --workspace=dir -D x=y")
        #expect(parsed("-D x=y --variant v describe manifest a:b") == "describe manifest -D x=y --variant v a:b")
        #expect(parsed("-v describe a:b") == "describe -v a:b")
        #expect(parsed("--dut --otel-endpoint host build") == "build")
        #expect(parsed("--help") == "--help")
        #expect(parsed("") == "")
    }

    @Test("switches may have values, as in Go")
    func switches() {
        #expect(parsed("build --dont-test=true --watch=false a:b") == "build --dont-test a:b")
        #expect(parsed("build --report-github=false") == "build --no-report-github")
        #expect(parsed("build --save=out.tar") == "build --save=out.tar")
    }

    @Test("builds sign with a key or keyless")
    func signing() {
        #expect(parsed("build --sign keyless a:b") == "build --keyless a:b")
        #expect(parsed("build --sign=keyless a:b") == "build --keyless a:b")
        #expect(parsed("build --sign a:b --key k") == "build --sign a:b --key k")
        #expect(parsed("exec --sign keyless") == "exec --sign keyless")
    }

    @Test("what belongs to another program stays as it is")
    func passing() {
        #expect(
            parsed("exec -Da=b --package a:b mvn -Dc=d --watch=true")
                == "exec -D a=b --package a:b mvn -Dc=d --watch=true")
        #expect(parsed("exec --help") == "help exec")
        #expect(parsed("exec mvn --help") == "exec mvn --help")
        #expect(parsed("exec --parallel=true -- mvn -Dc=d") == "exec --parallel -- mvn -Dc=d")
    }

    @Test(
        "a command that is named in full is parsed by itself, and as the whole tree of commands parses it",
        arguments: [
            "build -j 3 --dont-test a:b", "collect packages -o json", "image build x.yaml --output oci:out",
            "oci pull a/b:c d",
            "cache stat", "version", "describe manifest a:b", "exec --package a:b -- tool --help", "describe a:b",
            "key generate --output k", "help build", "build --help", "oci --help", "collect",
        ])
    func commands(line: String) throws {
        let arguments = line.split(separator: " ").map(String.init)
        let (quick, whole) = (try Martlet.command(for: arguments), try Martlet.parseAsRoot(arguments))
        #expect(type(of: quick) == type(of: whole))
        #expect("\(quick)" == "\(whole)")
    }

    @Test(
        "errors are those of the whole tree",
        arguments: [
            "build --nonsense", "oci pull", "nonsense", "describe", "--version", "build --version", "image build -h",
        ])
    func errors(line: String) {
        let arguments = line.split(separator: " ").map(String.init)
        func message(_ parse: ([String]) throws -> any ParsableCommand) -> String {
            do { return "\(type(of: try parse(arguments)))" } catch { return Martlet.fullMessage(for: error) }
        }
        #expect(message(Martlet.command(for:)) == message { try Martlet.parseAsRoot($0) })
    }
}
