import SIPMessage
import SIPTransport
import SansIO
import ScenarioModel
import Testing

@testable import Serving

/// Listeners as people write them.
@Suite struct ListenerTextTests {
  @Test func `transport and address are read, however the words are spaced`() throws {
    #expect(try ListenerText.read("udp 127.0.0.1:5060") == TransportListener(.udp, TransportAddress(.loopbackV4, port: 5_060)))
    #expect(try ListenerText.read("  TLS\t[::1]:5061 ") == TransportListener(.tls, TransportAddress(.loopbackV6, port: 5_061)))
  }

  @Test(arguments: [
    ("", ListenerMistake.incomplete), ("udp", .incomplete), ("127.0.0.1:5060", .incomplete), ("udp 127.0.0.1:5060 now", .incomplete),
    ("sctp 127.0.0.1:5060", .unknownTransport("sctp")), ("ws 127.0.0.1:80", .unknownTransport("ws")),
    ("udp 127.0.0.1", .missingPort("127.0.0.1")), ("udp 127.0.0.1:", .missingPort("127.0.0.1")), ("udp ::1", .missingPort("::1")),
    ("udp 127.0.0.1:70000", .portOutOfRange("70000")), ("udp 127.0.0.1:sip", .portOutOfRange("sip")),
    ("udp localhost:5060", .notAnAddress("localhost")), ("udp 127.0.0.300:5060", .notAnAddress("127.0.0.300")),
    ("udp nonsense", .notAnAddress("nonsense")), ("udp 0.0.0.0:5060", .wildcard(.anyV4)), ("tcp [::]:5060", .wildcard(.anyV6)),
  ])
  func `each mistake has a case and a sentence of its own`(text: String, mistake: ListenerMistake) {
    #expect(throws: mistake) { try ListenerText.read(text) }
  }

  @Test func `a configuration file names the same mistake with its place`() {
    let problem = #expect(throws: SourceProblem.self) { try ServeConfiguration.read("listen: [udp 127.0.0.1]\n", file: "x.yaml") }
    #expect(problem?.description.hasPrefix("x.yaml:1:10: ") == true && problem?.description.contains("the port is missing") == true)
  }
}
