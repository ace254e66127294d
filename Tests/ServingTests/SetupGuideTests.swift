import Foundation
import SIPMessage
import SIPTransport
import SansIO
import ScenarioModel
import SecureTransport
import Testing

@testable import Serving

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// The texts of `serve --print`. That they work is shown with a real Asterisk in InteropTests.
@Suite struct SetupGuideTests {
  private let password = "p<&\";w0rd"

  private func guide(
    _ listeners: [String], transport: SIPTransportProtocol? = nil, sessions: [ServeConfiguration.SessionGiven] = [],
    username: String = "lab-1"
  ) throws -> SetupGuide {
    var configuration = ServeConfiguration.standard
    configuration.listeners = try listeners.map(ListenerText.read)
    configuration.sessions = sessions
    let authority = try LabAuthority(entropy: Entropy(seed: 1), epoch: .init(unixNanoseconds: 0))
    let leaf = try authority.issue(CertificateRequest(names: ["pbx.invalid"], addresses: []), entropy: Entropy(seed: 2))
    let identity = ServeIdentity(
      account: .init(username: username, password: password), authority: authority,
      pbx: CertifiedKey(certificate: leaf.certificate, privateKey: leaf.privateKey))
    return try SetupGuide(configuration, identity, transport: transport)
  }

  private let three = ["udp 127.0.0.1:5060", "tcp 127.0.0.1:5060", "tls 127.0.0.1:5061"]

  private func parts(_ text: String) -> [(path: String, text: String)] {
    var parts: [(String, String)] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if let mark = line.range(of: "===== file: "), let end = line.range(of: " =====", options: .backwards) {
        parts.append((String(line[mark.upperBound..<end.lowerBound]), ""))
      } else if !parts.isEmpty {
        parts[parts.count - 1].1 += "\(line)\n"
      }
    }
    return parts
  }

  @Test func `without a transport the best listener is taken, and one that nobody listens on is refused with those there are`() throws {
    #expect(try guide(three).listener.transport == .tls)
    #expect(try guide(Array(three.prefix(2))).listener.transport == .tcp)
    #expect(try guide(three, transport: .udp).listener.transport == .udp)
    let failure = #expect(throws: LiveFailure.self) { try guide(["udp 127.0.0.1:5060"], transport: .tls) }
    #expect(failure?.description == "nothing listens on TLS; the listeners are UDP 127.0.0.1:5060")
    #expect(throws: LiveFailure.self) { try guide(["udp 127.0.0.1:0"]) }
    #expect(throws: LiveFailure.self) { try guide(three, username: "a\nb") }
  }

  @Test(arguments: PBXProduct.allCases, ["udp", "tcp", "tls"])
  func `each text says where its parts go, and has a form with and one without registration`(product: PBXProduct, transport: String) throws
  {
    let guide = try guide(three, transport: SIPTransportProtocol(rawValue: transport))
    let text = guide.text(for: product)
    let parts = parts(text)
    let certificates = transport == "tls" ? 2 : 0
    switch product {
    case .asterisk:
      #expect(parts.map(\.path).prefix(2) == ["/etc/asterisk/pjsip.conf", "/etc/asterisk/extensions.conf"])
      #expect(parts[0].text.contains("\n[kallglot-lab-registration]\n") && parts[0].text.contains("\n;[kallglot-lab-identify]\n"))
      #expect(parts[0].text.contains("password=p<&\"\\;w0rd\n") && parts[0].text.contains("protocol=\(transport)\n"))
      #expect(parts.count == 2 + certificates)
    case .asteriskChanSIP:
      #expect(parts.map(\.path).prefix(2) == ["/etc/asterisk/sip.conf", "/etc/asterisk/extensions.conf"])
      #expect(parts[0].text.contains("\nregister => \(transport)://lab-1@sip.kallglot.com:") && text.contains("Without: put a ';'"))
      #expect(parts.count == 2 + certificates)
    case .freeswitch:
      #expect(parts.map(\.path).first == "/etc/freeswitch/sip_profiles/kallglot-lab.xml" && parts.count == 3 + certificates)
      #expect(parts[0].text.contains("<param name=\"register\" value=\"true\"/>") && parts[0].text.contains("false: without registration"))
      #expect(parts[0].text.contains("name=\"tls\" value=\"true\"") == (transport == "tls"))
    case .cucm:
      #expect(text.contains("never registers") && text.contains("destination port \(transport == "tls" ? 5061 : 5060)"))
      #expect(text.contains("CallManager-trust") == (transport == "tls") && parts.count == certificates / 2)
    }
    if transport == "tls" { #expect(parts.last?.text.hasPrefix("-----BEGIN CERTIFICATE-----\n") == true) }
    // The PBX's own key and no other: never the authority's.
    #expect(text.split(separator: "\n").count { $0.contains("BEGIN PRIVATE KEY") } == (transport == "tls" && product != .cucm ? 1 : 0))
  }

  @Test(arguments: ["udp", "tcp", "tls"])
  func `every XML part for FreeSWITCH is well-formed and holds the password`(transport: String) throws {
    let text = try guide(three, transport: SIPTransportProtocol(rawValue: transport), sessions: [.init(id: "sess_a--b")]).text(
      for: .freeswitch)
    for part in parts(text) where part.path.hasSuffix(".xml") {
      let parser = XMLParser(data: Data(part.text.utf8))
      #expect(parser.parse(), "\(part.path): \(String(describing: parser.parserError))")
    }
    #expect(text.contains("value=\"p&lt;&amp;&quot;;w0rd\""))
    // As mod_sofia reads it: with its comments.
    let comments = text.components(separatedBy: "<!--").dropFirst().compactMap { $0.components(separatedBy: "-->").first }
    #expect(comments.allSatisfy { !$0.contains("--") })
  }

  @Test func `on one machine the PBX gets a port that none of our listeners has, on another it binds every address`() throws {
    #expect(try guide(three, transport: .udp).text(for: .asterisk).contains("\nbind=127.0.0.1:5070\n"))
    #expect(try guide(["udp 127.0.0.1:5070", "tcp 127.0.0.1:5080"]).text(for: .asterisk).contains("\nbind=127.0.0.1:5090\n"))
    let elsewhere = try guide(["udp 192.0.2.7:5060"]).text(for: .asterisk)
    #expect(elsewhere.contains("\nbind=0.0.0.0:5070\n") && !elsewhere.contains("media_address"))
    #expect(try guide(["udp [::1]:5060"]).text(for: .asterisk).contains("\nbind=[::1]:5070\n"))
  }

  @Test func `a session of the configuration is whom to call, and that it is good for one call is said`() throws {
    for product in PBXProduct.allCases {
      let text = try guide(three, sessions: [.init(id: "sess_demo")]).text(for: product)
      #expect(text.contains("sess_demo") && text.contains("410 Gone"), "\(product)")
      let reusable = try guide(three, sessions: [.init(id: "sess_demo", isReusable: true)]).text(for: product)
      #expect(reusable.contains("any number of calls") && !reusable.contains("410 Gone"))
      #expect(try !guide(three).text(for: product).contains("410 Gone"))
    }
  }

  @Test func `a product that is not known gets the nearest one`() throws {
    let failure = #expect(throws: LiveFailure.self) { try PBXProduct(reading: "freeswich") }
    #expect(failure?.description.hasSuffix("did you mean 'freeswitch'?") == true)
    #expect(try PBXProduct(reading: "CUCM") == .cucm)
  }
}
