import KallglotPolicy
import SIPMessage
import SIPUserAgent
import SansIO
import Testing

@testable import Kallglot

@Suite struct SessionLookupTests {
  private let sessions = [
    Session(id: "sess_demo", account: "acme"), Session(id: "sess_old", account: "acme", state: .ended),
    Session(id: "sess_theirs", account: "other"),
  ]

  @Test func `unknown and another organization's 404, ended 410, a third leg 486 (contract 8.1 step 7, 8.7)`() throws {
    let accounts = ["acme", "other"].map { Account(name: $0, username: $0, password: Secret("s3cret")) }
    let bench = EndpointBench(.standard, accounts: accounts, sessions: sessions)
    func call(_ session: String) throws -> Int? {
      let uri = "sip:\(session)@sip.kallglot.com"
      let challenge = try #require(bench.send(bench.invite(to: uri)).last)
      return bench.send(bench.invite(to: uri, headers: [bench.authorization(for: challenge, uri: uri)])).last?.status
    }
    #expect(try call("sess_nobody") == 404)
    #expect(try call("sess_theirs") == 404)
    #expect(try call("sess_old") == 410)
    #expect(try [call("sess_demo"), call("sess_demo"), call("sess_demo")] == [200, 200, 486])
  }

  @Test func `the first leg is the customer, the second the agent, unless X-Kallglot-Role says otherwise (contract 8.3)`() {
    func roles(_ first: [String], _ second: [String]) -> [SessionRole] {
      let bench = EndpointBench()
      for headers in [first, second] { bench.send(bench.invite(headers: headers)) }
      return bench.events.compactMap { if case .joined(_, _, _, let role) = $0 { role } else { nil } }
    }
    #expect(roles([], []) == [.customer, .agent])
    #expect(roles(["X-Kallglot-Role: agent"], []) == [.agent, .customer])
    #expect(roles(["X-Kallglot-Role: Customer"], ["X-Kallglot-Role: customer"]) == [.customer, .agent])
    #expect(roles(["X-Kallglot-Role: king"], ["X-Kallglot-Role: agent"]) == [.customer, .agent])
  }

  @Test func `inbound-first makes a session, and off it is 404; a foreign domain is 404 unless anyDomain (contract 8.2, 8.3)`() {
    let bench = EndpointBench()
    #expect(bench.send(bench.invite(to: "sip:+4930@sip.kallglot.com")).last?.status == 200)
    #expect(bench.send(bench.invite(to: "sip:+4930@elsewhere.example")).last?.status == 404)
    let closed = EndpointBench(.with { ($0.authentication, $0.inboundFirst) = (.none, false) })
    #expect(closed.send(closed.invite(to: "sip:+4930@sip.kallglot.com")).last?.status == 404)
    #expect(closed.send(closed.invite()).last?.status == 200)
    let open = EndpointBench(.with { ($0.authentication, $0.anyDomain) = (.none, true) })
    #expect(open.send(open.invite(to: "sip:+4930@elsewhere.example")).last?.status == 200)
  }

  @Test func `a reusable session is joined again after the BYE of its last leg, until the API ends it (contract 8.3, 8.7)`() throws {
    let bench = EndpointBench(sessions: [Session(id: "sess_demo", account: "acme", isReusable: true)])
    let uri = "sip:sess_demo@sip.kallglot.com"
    for identity in ["one", "two", "three"] {
      let call = try #require(bench.establish(identity, to: uri))
      #expect(bench.send(bench.inDialog("BYE", call, sequence: 2)).statuses == [200])
      bench.wait(.seconds(60))
    }
    #expect(bench.leftovers.isEmpty)
    bench.perform(.endSession("sess_demo"))
    #expect(bench.send(bench.invite()).last?.status == 410)
    #expect(bench.decisions.last?.detail.contains("reusable: true") == true, "the log says what would have kept it")
  }

  @Test func `BYE of the last leg ends the session, at once or after byeGrace, in which another leg may join (contract 8.3)`() throws {
    let bench = EndpointBench(.with { ($0.authentication, $0.byeGrace) = (.none, .seconds(5)) })
    func ended() -> [String] {
      bench.events.compactMap { if case .sessionEnded(let id, let reason) = $0 { "\(id) \(reason)" } else { nil } }
    }
    let uri = "sip:sess_demo@sip.kallglot.com"
    let first = try #require(bench.establish("one", to: uri))
    bench.send(bench.inDialog("BYE", first, sequence: 2))
    bench.wait(.seconds(4))
    let second = try #require(bench.establish("two", to: uri))
    bench.wait(.seconds(10))
    #expect(ended() == [])
    bench.send(bench.inDialog("BYE", second, sequence: 2))
    bench.wait(.milliseconds(4_900))
    #expect(ended() == [])
    bench.wait(.milliseconds(200))
    #expect(ended() == ["sess_demo completed"])
    #expect(bench.send(bench.invite()).last?.status == 410)
  }

  @Test func `the API's end sends BYE with a Reason on all legs, and the session is gone (contract 8.3)`() throws {
    let bench = EndpointBench()
    for name in ["one", "two"] { _ = try #require(bench.establish(name, to: "sip:sess_demo@sip.kallglot.com")) }
    bench.perform(.endSession("sess_demo"))
    let byes = bench.take().filter { $0.method == .bye }
    #expect(byes.count == 2)
    #expect(byes.allSatisfy { $0.text(.reason)?.contains("Session ended") == true })
    #expect(bench.send(bench.invite()).last?.status == 410)
  }

  @Test func `X- headers of the INVITE are events of the session, its own come back in the 200 (contract 8.7)`() throws {
    var session = Session(id: "sess_demo", account: "acme")
    session.headers = [.init(HeaderName("X-Customer"), "42"), .init(HeaderName("Subject"), "not an X header")]
    let bench = EndpointBench(sessions: [session])
    let answer = try #require(bench.send(bench.invite(headers: ["X-Ticket: 7", "x-Line: a b", "Subject: s"])).last)
    #expect(answer.text(HeaderName("X-Customer")) == "42")
    #expect(answer.text(HeaderName("Subject")) == nil)
    let carried = bench.events.compactMap { if case .carried(_, _, let headers) = $0 { headers } else { nil } }
    #expect(carried == [["X-Ticket: 7", "x-Line: a b"]])
  }

  @Test func `maxCallDuration ends the call with BYE, not before (contract 8.7)`() throws {
    let bench = EndpointBench(.with { ($0.authentication, $0.maxCallDuration, $0.rtpTimeout) = (.none, .seconds(90), .seconds(1_000)) })
    _ = try #require(bench.establish("one"))
    #expect(bench.wait(.milliseconds(89_900)).allSatisfy { $0.method != .bye })
    let bye = bench.wait(.milliseconds(200)).first { $0.method == .bye }
    #expect(bye?.text(.reason)?.contains("Maximum call duration") == true)
  }
}

@Suite struct CapTests {
  private func capped(_ cap: Int, status: Int = 486, _ change: (inout Policy) -> Void = { _ in }) -> EndpointBench {
    EndpointBench(
      .with {
        ($0.authentication, $0.maxConcurrentCalls, $0.capReachedStatus) = (.none, cap, status)
        change(&$0)
      })
  }

  @Test func `n calls are taken, the next gets 486, or 503 with Retry-After (CAP-01, contract 8.1 step 8)`() throws {
    for status in [486, 503] {
      let bench = capped(2, status: status)
      _ = try #require(bench.establish("one"))
      _ = try #require(bench.establish("two"))
      let refusal = try #require(bench.send(bench.invite(to: "sip:3@sip.kallglot.com")).last)
      #expect(refusal.status == status)
      #expect((refusal.text(.retryAfter) != nil) == (status == 503))
    }
  }

  @Test func `the slot comes back after BYE, refusal and the API's end`() throws {
    let bench = capped(1)
    let call = try #require(bench.establish("one"))
    bench.send(bench.inDialog("BYE", call, sequence: 2))
    #expect(
      bench.send(bench.invite(to: "sip:1@sip.kallglot.com", body: EndpointBench.offer.replacing("0 8", with: "18"))).last?.status == 488)
    _ = try #require(bench.establish("two", to: "sip:sess_demo@sip.kallglot.com"))
    bench.perform(.endSession("sess_demo"))
    bench.wait(.seconds(33))
    #expect(bench.establish("three") != nil)
  }

  @Test func `a call that is cancelled gives its slot back (CAP-01)`() throws {
    let bench = EndpointBench(.with { ($0.authentication, $0.maxConcurrentCalls) = (.none, 1) }, answerDelay: .seconds(5))
    let invite = bench.invite(to: "sip:1@sip.kallglot.com", identity: "one")
    #expect(bench.send(invite).statuses == [180])
    let branch = String(invite.split(separator: "branch=")[1].prefix { $0 != ";" })
    #expect(bench.send(bench.request("CANCEL", to: "sip:1@sip.kallglot.com", identity: "one", branch: branch)).statuses == [200, 487])
    #expect(bench.send(bench.invite(to: "sip:2@sip.kallglot.com")).statuses == [180])
  }

  @Test func `an ACK that never comes ends the call after 64·T1 with BYE, and after its Timer F the slot is free (CAP-01)`() {
    let bench = capped(1)
    #expect(bench.send(bench.invite(to: "sip:1@sip.kallglot.com")).last?.status == 200)
    let sent = bench.wait(.milliseconds(32_100))
    #expect(sent.filter { $0.status == 200 }.count == 10)
    #expect(sent.last?.method == .bye)
    bench.wait(.seconds(33))
    #expect(bench.ends == [.ackMissing])
    #expect(bench.establish("two") != nil)
  }

  @Test func `a crashed peer is noticed by its silence, and its slot comes back (CAP-01, contract 8.3)`() throws {
    let bench = capped(1) { $0.rtpTimeout = .seconds(60) }
    _ = try #require(bench.establish("one"))
    #expect(bench.wait(.milliseconds(59_900)).allSatisfy { $0.method != .bye })
    #expect(bench.wait(.milliseconds(200)).contains { $0.method == .bye })
    bench.wait(.seconds(33))
    #expect(bench.ends == [.mediaSilence])
    #expect(bench.establish("two") != nil)
  }

  @Test func `silence does not count while the call is held (contract 8.3)`() throws {
    let bench = capped(1) { $0.rtpTimeout = .seconds(60) }
    let call = try #require(bench.establish("one"))
    bench.send(
      bench.inDialog(
        "INVITE", call, sequence: 2, body: EndpointBench.offer.replacing("sendrecv", with: "inactive").replacing("1 1 IN", with: "1 2 IN")))
    bench.send(bench.inDialog("ACK", call, sequence: 2))
    #expect(bench.wait(.seconds(600)).allSatisfy { $0.method != .bye })
    #expect(bench.ends == [])
  }

  @Test func `when no media port is left the INVITE gets 503 with Retry-After, and a port that comes back is used (contract 8.1 step 8a)`()
    throws
  {
    let bench = capped(10) { $0.mediaPorts = 20_000...20_003 }
    let call = try #require(bench.establish("one"))
    _ = try #require(bench.establish("two"))
    let refusal = try #require(bench.send(bench.invite(to: "sip:3@sip.kallglot.com")).last)
    #expect(refusal.status == 503 && refusal.text(.retryAfter) != nil)
    #expect(bench.decisions.last?.rule == .mediaPort)
    bench.send(bench.inDialog("BYE", call, sequence: 2))
    #expect(bench.establish("four") != nil)
  }

  @Test func `a call refused with 503 or 486 leaves no session behind`() {
    let bench = capped(0)
    for _ in 0..<20 { bench.send(bench.invite(to: "sip:1@sip.kallglot.com")) }
    #expect(bench.endpoint.sessions.sessionCount == 1)
  }

  @Test func `a thousand calls that end in every way leave no slot, port, session or table entry (CAP-02)`() throws {
    let bench = capped(3) { $0.mediaPorts = 20_000...20_007 }
    for cycle in 0..<1_000 {
      let uri = "sip:\(cycle)@sip.kallglot.com"
      switch cycle % 6 {
      case 0, 1:
        let call = try #require(bench.establish("c\(cycle)", to: uri), "cycle \(cycle)")
        #expect(bench.send(bench.inDialog("BYE", call, sequence: 2)).statuses == [200])
      case 2:
        let invite = bench.invite(to: uri, body: EndpointBench.offer.replacing("0 8", with: "18"))
        let refusal = try #require(bench.send(invite).last)
        #expect(refusal.status == 488)
        bench.send(bench.acknowledge(invite, refusal))
      case 3:
        // BYE before the ACK.
        let answer = try #require(bench.send(bench.invite(to: uri, identity: "c\(cycle)")).last)
        let call = EndpointBench.Call(identity: "c\(cycle)", tag: try #require(try answer.to().tag), contact: "")
        #expect(bench.send(bench.inDialog("BYE", call, sequence: 2)).statuses == [200])
      case 4: bench.send(bench.request("INVITE", to: uri, headers: ["Require: 100rel"], body: EndpointBench.offer))
      default:
        // Nobody ever acknowledges.
        bench.send(bench.invite(to: uri))
        bench.wait(.seconds(70))
      }
    }
    bench.wait(.seconds(200))
    #expect(bench.leftovers == [])
    #expect(bench.endpoint.sessions.sessionCount == 1)
    for name in ["x", "y", "z"] { #expect(bench.establish(name) != nil) }
  }
}
