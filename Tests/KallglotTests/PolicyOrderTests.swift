import KallglotPolicy
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import Testing

@testable import Kallglot

@Suite struct PolicyOrderTests {
  /// A policy that fails at every step from 2 on for a call over UDP.
  private static let hopeless = Policy.with {
    $0.authentication = .digest
    ($0.transports, $0.requireTLS, $0.sipAccess) = ([.tls], true, false)
    $0.allow = [AddressRange("10.0.0.0/8")].compactMap(\.self)
    ($0.maxConcurrentCalls, $0.requireSRTP) = (0, true)
  }

  @Test
  func
    `the first failing step answers: transport, TLS, allowlist, access, digest, organization, session, cap, SRTP (contract 8.1)`()
    throws
  {
    var policy = Self.hopeless
    let bench = EndpointBench(policy)
    bench.perform(.setActive(account: "acme", false))
    var seen: [String] = []
    func attempt(_ headers: [String] = [], to uri: String = "sip:sess_x@sip.kallglot.com") -> SIPMessage? {
      bench.perform(.setPolicy(account: "acme", policy))
      bench.forgetEvents()
      let answer = bench.send(bench.invite(to: uri, headers: headers)).last
      seen.append("\(bench.decisions.last { $0.verdict != .passed }?.rule.shortName ?? "none") \(answer?.status ?? 0)")
      return answer
    }
    _ = attempt()
    policy.transports = [.udp, .tls]
    _ = attempt()
    policy.requireTLS = false
    _ = attempt()
    policy.allow = []
    _ = attempt()
    policy.sipAccess = true
    var challenge = try #require(attempt())
    func authorized(_ uri: String) -> SIPMessage? {
      let answer = attempt([bench.authorization(for: challenge, uri: uri)], to: uri)
      if let fresh = bench.send(bench.invite(to: uri)).last, fresh.status == 401 { challenge = fresh }
      return answer
    }
    _ = authorized("sip:sess_x@sip.kallglot.com")
    bench.perform(.setActive(account: "acme", true))
    _ = authorized("sip:sess_x@sip.kallglot.com")
    _ = authorized("sip:sess_demo@sip.kallglot.com")
    policy.maxConcurrentCalls = 1
    _ = authorized("sip:sess_demo@sip.kallglot.com")
    policy.requireSRTP = false
    _ = authorized("sip:sess_demo@sip.kallglot.com")
    #expect(
      seen == [
        "transport 403", "requireTLS 403", "allowlist 403", "sipAccess 403", "authentication 401", "organization 403", "session 404",
        "concurrency 486", "description 488", "none 200",
      ])
  }

  @Test func `each transport of the list lets its calls pass and no other (ACL-08)`() {
    for listed in [Policy.Transport.udp, .tcp] {
      let bench = EndpointBench(.with { ($0.authentication, $0.transports) = (.none, [listed]) })
      #expect(bench.send(bench.request("OPTIONS")).statuses == [listed == .udp ? 200 : 403])
      bench.connect(ConnectionID(1))
      #expect(bench.send(bench.request("OPTIONS", transport: "TCP"), on: ConnectionID(1)).statuses == [listed == .tcp ? 200 : 403])
    }
  }

  @Test
  func `the candidate is the session's owner, else the user of Authorization, else the only account, else the listener (contract 8.1)`() {
    func account(_ name: String, sees network: String) -> Account {
      Account(
        name: name, username: name, password: Secret("s3cret"), policy: .with { $0.allow = [AddressRange(network)].compactMap(\.self) })
    }
    let listener = Policy.with { $0.sipAccess = false }
    let accounts = [account("acme", sees: "10.0.0.0/8"), account("other", sees: "192.0.2.0/24")]
    let bench = EndpointBench(listener, accounts: accounts)
    func rule(_ uri: String, _ headers: [String] = []) -> String {
      bench.forgetEvents()
      bench.send(bench.invite(to: uri, headers: headers))
      return bench.decisions.first.map { "\($0.rule.shortName)" } ?? "none"
    }
    #expect(rule("sip:sess_demo@sip.kallglot.com") == "allowlist")
    #expect(
      rule(
        "sip:1@sip.kallglot.com",
        ["Authorization: Digest username=\"other\",realm=\"sip.kallglot.com\",nonce=\"n\",uri=\"u\",response=\"r\""]) == "authentication")
    #expect(rule("sip:1@sip.kallglot.com") == "sipAccess")
    let alone = EndpointBench(listener, accounts: [accounts[0]], sessions: [])
    alone.send(alone.invite(to: "sip:1@sip.kallglot.com"))
    #expect(alone.decisions.first?.rule == .allowlist)
  }

  @Test func `after digest the steps are asked again with the account that proved itself (contract 8.1)`() throws {
    let strict = Account(
      name: "strict", username: "strict", password: Secret("s3cret"),
      policy: .with { $0.allow = [AddressRange("10.0.0.0/8")].compactMap(\.self) })
    let bench = EndpointBench(.standard, accounts: [Account(name: "acme", username: "acme", password: Secret("s3cret")), strict])
    let challenge = try #require(bench.send(bench.invite()).last)
    let answer = bench.send(bench.invite(headers: [bench.authorization(for: challenge, username: "strict")]))
    #expect(answer.statuses == [403])
    #expect(bench.decisions.last?.rule == .allowlist)
  }

  @Test func `a change of policy is for the next call: the one that is up goes on, hold and BYE included (ACL-04, contract 8.1)`() throws {
    let bench = EndpointBench()
    let call = try #require(bench.establish("one"))
    bench.perform(.setPolicy(account: "acme", Self.hopeless))
    #expect(
      bench.send(bench.inDialog("INVITE", call, sequence: 2, body: EndpointBench.offer.replacing("sendrecv", with: "sendonly"))).statuses
        == [200])
    bench.send(bench.inDialog("ACK", call, sequence: 2))
    #expect(bench.send(bench.inDialog("OPTIONS", call, sequence: 3)).statuses == [200])
    #expect(bench.send(bench.inDialog("BYE", call, sequence: 4)).statuses == [200])
    #expect(bench.send(bench.invite()).statuses == [403])
  }

  @Test func `the source is the socket's, whatever Via and X-Forwarded-For say (ACL-05)`() throws {
    let bench = EndpointBench(.with { ($0.authentication, $0.allow) = (.none, [AddressRange("10.0.0.1")].compactMap(\.self)) })
    let lie = bench.request("OPTIONS", via: "10.0.0.1:5060", headers: ["X-Forwarded-For: 10.0.0.1"])
    #expect(bench.send(lie).statuses == [403])
    let inside = TransportAddress(try #require(IPAddress("::ffff:10.0.0.1")), port: 5060)
    #expect(bench.send(bench.request("OPTIONS", via: "192.0.2.99"), from: inside).statuses == [200])
  }

  @Test(arguments: [
    (["192.0.2.16/30"], "192.0.2.15", false), (["192.0.2.16/30"], "192.0.2.16", true), (["192.0.2.16/30"], "192.0.2.19", true),
    (["192.0.2.16/30"], "192.0.2.20", false), ([], "203.0.113.9", true), (["192.0.2.0/24", "192.0.2.20"], "192.0.2.20", true),
    (["192.0.2.20", "192.0.2.20"], "192.0.2.20", true), (["192.0.2.77/28"], "192.0.2.64", true),
    (["2001:db8::/64"], "2001:db8::ffff:1", true),
    (["2001:db8::/64"], "2001:db8:0:1::1", false), (["192.0.2.20"], "::ffff:192.0.2.20", true),
    (["::ffff:192.0.2.0/120"], "192.0.2.20", true),
  ])
  func `the allowlist at its edges: CIDR, host bits, overlapping, double, mapped, empty (ACL-01, ACL-02)`(
    list: [String], source: String, passes: Bool
  ) throws {
    let bench = EndpointBench(.with { ($0.authentication, $0.allow) = (.none, list.compactMap { AddressRange($0) }) })
    let address = TransportAddress(try #require(IPAddress(source)), port: 5060)
    #expect(bench.send(bench.request("OPTIONS"), from: address).statuses == [passes ? 200 : 403])
  }

  @Test func `SIP access off refuses every method (ACL-07)`() {
    let bench = EndpointBench(.with { ($0.authentication, $0.sipAccess) = (.none, false) })
    for method in ["INVITE", "OPTIONS", "REGISTER", "MESSAGE", "REFER", "SUBSCRIBE", "PUBLISH", "NOTIFY", "INFO", "DANCE"] {
      let body = method == "INVITE" ? EndpointBench.offer : ""
      #expect(bench.send(bench.request(method, body: body)).statuses == [403], "\(method)")
    }
    #expect(bench.decisions.allSatisfy { $0.rule == .sipAccess && $0.setting == "sipAccess" })
  }

  @Test func `a refused INVITE gets no provisional and opens no port (ACL-09)`() {
    let policies: [Policy] = [
      .with { ($0.authentication, $0.sipAccess) = (.none, false) }, .standard,
      .with { ($0.authentication, $0.maxConcurrentCalls) = (.none, 0) },
      .with { ($0.authentication, $0.requireSRTP) = (.none, true) }, .with { ($0.authentication, $0.codecs) = (.none, [.opus]) },
    ]
    for policy in policies {
      let bench = EndpointBench(policy)
      let statuses = bench.send(bench.invite()).statuses + bench.wait(.seconds(1)).statuses
      #expect(statuses.allSatisfy { $0 >= 400 } && !statuses.isEmpty, "\(statuses)")
      #expect(bench.bindings == 0)
    }
  }
}

@Suite struct DropTests {
  private let dropping = Policy.with {
    $0.authentication = .none
    ($0.allow, $0.allowlistRefusal) = ([AddressRange("10.0.0.0/8")].compactMap(\.self), .drop)
  }

  @Test func `drop is no answer at all, whatever the request and whatever is wrong with it (contract 8.1 step 3)`() {
    let bench = EndpointBench(dropping)
    let requests = [
      bench.invite(), bench.request("OPTIONS"), bench.request("REGISTER"), bench.request("BYE"), bench.request("BYE", toTag: "unknown"),
      bench.request("CANCEL"), bench.request("INVITE", headers: ["Require: 100rel"], body: EndpointBench.offer),
      bench.request("OPTIONS", to: "mailto:x@y"), bench.request("INVITE", type: "text/plain", body: "x"),
      bench.request("OPTIONS").replacing("CSeq: 1 OPTIONS", with: "CSeq: 1 INVITE"),
      bench.request("OPTIONS").replacing("Call-ID", with: "X-Call"),
    ]
    for request in requests {
      bench.send(request)
      bench.send(request)
    }
    #expect(bench.wait(.seconds(40)).isEmpty && bench.take().isEmpty)
    #expect(bench.leftovers == [])
    #expect(bench.decisions.contains { $0.rule == .allowlist && $0.verdict == .dropped })
  }

  @Test func `on TCP drop is a reset before any byte (contract 8.1 step 3)`() {
    let bench = EndpointBench(dropping)
    bench.connect(ConnectionID(1))
    #expect(bench.resets == [ConnectionID(1)])
    #expect(bench.take().isEmpty)
  }

  @Test func `where only the request tells whose policy drops, TCP is reset with the request (contract 8.1 step 3)`() {
    for method in ["INVITE", "OPTIONS"] {
      let bench = EndpointBench(
        .open,
        accounts: [
          Account(name: "acme", username: "acme", password: Secret("x"), policy: dropping),
          Account(name: "b", username: "b", password: Secret("x")),
        ])
      bench.connect(ConnectionID(1))
      #expect(bench.resets.isEmpty)
      let body = method == "INVITE" ? EndpointBench.offer : ""
      #expect(bench.send(bench.request(method, transport: "TCP", body: body), on: ConnectionID(1)).isEmpty)
      #expect(bench.resets == [ConnectionID(1)])
    }
  }

  @Test func `a request that names a dialog is not the policy's, unless the peer is dropped (contract 8.1)`() {
    let refusing = EndpointBench(.with { ($0.authentication, $0.allow) = (.none, [AddressRange("10.0.0.0/8")].compactMap(\.self)) })
    #expect(refusing.send(refusing.request("BYE", toTag: "unknown")).statuses == [481])
    #expect(refusing.send(refusing.request("CANCEL")).statuses == [481])
    #expect(refusing.send(refusing.request("OPTIONS", headers: ["Require: foo"])).statuses == [403])
  }
}

@Suite struct DecisionTests {
  @Test func `the guide's word is that a call passes its settings; every refusal, silence and challenge is the Lab's (contract 2, 8)`() {
    let guide: Set<PolicyDecision.Rule> = [.transport, .requireTLS, .allowlist, .sipAccess, .authentication, .concurrency]
    for rule in PolicyDecision.Rule.allCases {
      #expect(PolicyDecision(rule, .passed).isLabDecision == !guide.contains(rule), "\(rule) passed")
      for verdict in [PolicyDecision.Verdict.refused(status: 403), .dropped, .challenged] {
        #expect(PolicyDecision(rule, verdict).isLabDecision)
      }
    }
    #expect(PolicyDecision(.authentication, setting: "authentication", .passed).isLabDecision, "no authentication is a Lab setting")
  }

  @Test func `a decision is an event with rule, setting, verdict, method, source, Call-ID and whose word it is`() {
    let bench = EndpointBench(.with { ($0.authentication, $0.sipAccess) = (.none, false) })
    bench.send(bench.request("OPTIONS"))
    let fields = bench.events.first { $0.journalName == "policy-decision" }?.journalText ?? ""
    #expect(fields.matches(of: /"([A-Za-z]+)":/).map(\.1) == ["method", "source", "callID", "rule", "setting", "decision", "labDecision"])
    #expect(fields.contains(#""setting":"sipAccess""#))
    #expect(fields.hasSuffix(#""labDecision":true}"#))
  }
}
