import CallControl
import Testing

@testable import Serving

/// What a person types at `serve`.
@Suite struct ConsoleCommandTests {
  @Test func `each command is read, spaces and tabs do not matter`() throws {
    let lines: [(String, ConsoleCommand)] = [
      ("call acme", .call("acme")), ("  call\tsip:100@192.0.2.7  ", .call("sip:100@192.0.2.7")),
      ("hold 3", .reinvite(3, .hold(.sendonly))),
      ("hold 3 inactive", .reinvite(3, .hold(.inactive))), ("resume 3", .reinvite(3, .resume)),
      ("refresh 3", .reinvite(3, .refresh)),
      ("hangup 12", .hangUp(12)), ("calls", .calls), ("help", .help),
    ]
    for (line, command) in lines { #expect(try ConsoleCommand.read(line) == command, "\(line)") }
    #expect(try ConsoleCommand.read("   ") == nil)
  }

  @Test(arguments: ["cal acme", "call", "hold", "hold 3 sideways", "resume x", "hangup -1", "calls all", "hangup 99999999999"])
  func `what is no command gets one sentence that helps`(line: String) {
    let failure = #expect(throws: LiveFailure.self) { try ConsoleCommand.read(line) }
    #expect(failure?.description.contains("help") == true || failure?.description.contains("number of a leg") == true)
  }

  @Test func `a target keeps its transport and port, and what cannot be called says why`() throws {
    let target = try CallTarget("sip:service@192.0.2.7;transport=tcp").target
    #expect(target.transport == .tcp && "\(target.address)" == "192.0.2.7:5060")
    #expect(try CallTarget("sips:a@192.0.2.7").target.address.port == 5061)
    #expect(try CallTarget("sips:a@192.0.2.7;transport=tcp").target.transport == .tls)
    #expect(throws: LiveFailure.self, "a sips URI goes over TLS (RFC 3261 §26.2.2)") { try CallTarget("sips:a@192.0.2.7", transport: .udp) }
    for text in ["tel:+49301234", "sip:a@192.0.2.7;transport=sctp", "nonsense"] {
      #expect(throws: LiveFailure.self) { try CallTarget(text) }
    }
  }
}
