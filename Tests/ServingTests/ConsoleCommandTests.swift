import CallControl
import RTP
import SansIO
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
      ("hangup 12", .hangUp(12)), ("press 1 1*", .press(1, Digit.list("1*") ?? [], nil)),
      ("press 2 D info", .press(2, Digit.list("D") ?? [], .info)), ("calls", .calls), ("help", .help),
    ]
    for (line, command) in lines { #expect(try ConsoleCommand.read(line) == command, "\(line)") }
    #expect(try ConsoleCommand.read("   ") == nil)
  }

  @Test(arguments: [
    "cal acme", "call", "hold", "hold 3 sideways", "resume x", "press 1", "press x 1", "press 1 5 info now", "hangup -1", "calls all",
    "hangup 99999999999",
  ])
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

  @Test func `a name is called at the servers that NAPTR and SRV name, without NAPTR where a transport is set (RFC 3263 §4)`() throws {
    var asked: [String] = []
    func resolve(_ question: NameQuestion) -> NameAnswer {
      asked.append("\(question.kind.rawValue) \(question.name)")
      switch (question.kind, question.name) {
      case (.srv, "_sip._udp.example.com"):
        return .records([2, 1].map { NameRecord(.srv(priority: $0, weight: 0, port: 5_060 + $0, target: "h\($0).example.com")) })
      case (.a, "h1.example.com"): return .records([NameRecord(.address(IPAddress(v4: 0xC000_0201)))])
      case (.a, "h2.example.com"): return .records([NameRecord(.address(IPAddress(v4: 0xC000_0202)))])
      default: return .records([])
      }
    }
    let target = try CallTarget("sip:x@example.com", resolve: resolve)
    #expect("\(target.target)" == "192.0.2.1:5061 over UDP")
    #expect(target.others.map(\.description) == ["192.0.2.2:5062 over UDP"])
    #expect(target.uri.description == "sip:x@example.com")
    #expect(asked.first == "naptr example.com")
    asked = []
    _ = try CallTarget("sip:x@example.com", transport: .udp, resolve: resolve)
    #expect(asked.first == "srv _sip._udp.example.com")
    let failure = #expect(throws: LiveFailure.self) { try CallTarget("sip:x@other.example.com", resolve: { _ in .noSuchName }) }
    #expect(failure?.description == "no server was found for other.example.com: other.example.com does not exist")
  }
}
