import Bytes
import Testing

@testable import Build

/// The bytes and digests here were made by Python's protobuf library from the messages of remote_execution.proto.
@Suite("Actions")
struct ActionTests {
    @Test("an action is encoded as the protobuf library encodes it")
    func encoding() {
        let action = Action(
            arguments: ["sh", "-c", "", "ä"], environment: ["PATH": "/usr/bin", "A": "", "B": "1"],
            workingDirectory: "/build/p", platform: ["os": "linux", "arch": "amd64"], inputRoot: (.of(""), 0),
            timeout: 3600)
        #expect(
            Hex.encode(action.command)
                == "0a0273680a022d630a000a02c3a412030a014112060a014212013112100a045041544812082f7573722f62696e"
                + "2a1c0a0d0a04617263681205616d6436340a0b0a026f7312056c696e757832082f6275696c642f70")
        #expect(action.key.hex == "ae594582ffc4cd86b63eb9be13c9f8559d1be738ea8e5f0de0dad3cf8ced54b2")
    }

    @Test("what is empty or unset is left out, but for the platform, which is a message without fields")
    func empty() {
        let action = Action(
            arguments: ["true"], environment: [:], workingDirectory: "", platform: [:], inputRoot: (.of("x"), 300),
            timeout: 0)
        #expect(Hex.encode(action.command) == "0a04747275652a00")
        #expect(
            Hex.encode(action.encoded)
                == "0a440a406431323362393462393738636331653961663135346138343862323164623336326465613332613631"
                + "3032343830666334383763336638396530653635313839100812450a4032643731313634326237323662303434"
                + "303136323763613966626163333266356338353330666231393033636334646230323235383731373932316134"
                + "38383110ac025200")
        #expect(action.key.hex == "f020ca6bee049eafbad1fc0c4aa6002f524c85ff4a85a492f2929bc35a55bbf0")
    }

    @Test("every part of an action is part of its key")
    func sensitive() {
        let base = Action(
            arguments: ["a", "b"], environment: ["A": "1"], workingDirectory: "/build", platform: ["os": "linux"],
            inputRoot: (.of(""), 0), timeout: 1)
        var all = [base, base, base, base, base, base, base, base]
        all[1].arguments = ["a b"]
        all[2].arguments = ["a", "b", ""]
        all[3].environment = ["A": "2"]
        all[4].workingDirectory = "/build/x"
        all[5].platform["sandbox"] = "off"
        all[6].inputRoot = (.of("x"), 1)
        all[7].timeout = 2
        #expect(Set(all.map(\.key)).count == all.count)
    }
}
