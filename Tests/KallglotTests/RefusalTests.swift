import CallControl
import SIPMessage
import SIPUserAgent
import SansIO
import Testing

@testable import Kallglot

/// Whatever layer refuses a request: the owner gets to know.
@Suite struct RefusalTests {
  @Test func `each final response that is not a 2xx is one event with peer, Call-ID, status and reason (RFC 3261 §8.2, §12.2.2, §18.3)`() {
    let bench = EndpointBench(.with { $0.authentication = .none })
    let refused: [(String, Int)] = [
      (bench.request("OPTIONS", headers: ["Require: foo"]), 420), (bench.request("INVITE", type: "text/plain", body: "hello"), 415),
      (bench.request("BYE", toTag: "nobody"), 481), (bench.request("MESSAGE"), 405), (bench.request("FOO"), 501),
      (bench.invite(to: "sip:sess_unknown@sip.kallglot.com"), 404),
      (bench.request("OPTIONS").replacing("SIP/2.0\r\nVia", with: "SIP/3.0\r\nVia"), 505),
    ]
    for (text, status) in refused {
      let before = bench.events.count
      #expect(bench.send(text).last?.status == status)
      let told = bench.events[before...].compactMap { event -> RefusedRequest? in
        if case .party(.requestRefused(_, let request)) = event { request } else { nil }
      }
      #expect(told.map(\.status) == [status], "\(text.prefix(40))")
      #expect(told.allSatisfy { !$0.callID.isEmpty && $0.peer == EndpointBench.caller && !$0.phrase.isEmpty })
    }
    let before = bench.events.count
    #expect(bench.send(bench.request("OPTIONS")).last?.status == 200)
    #expect(!bench.events[before...].contains { if case .party(.requestRefused) = $0 { true } else { false } })
  }

  @Test func `a refusal that nobody acknowledges names its call by status and Call-ID (RFC 3261 §17.2.1)`() {
    let bench = EndpointBench(.with { $0.authentication = .none })
    let invite = bench.invite(to: "sip:sess_unknown@sip.kallglot.com")
    _ = bench.send(invite)
    _ = bench.wait(.seconds(33))
    let callID = invite.split(separator: "\r\n").first { $0.hasPrefix("Call-ID: ") }?.dropFirst("Call-ID: ".count)
    let details = bench.events.compactMap { event -> String? in
      if case .party(.violation(_, let violation)) = event, violation.rule == .refusalNotAcknowledged { violation.detail } else { nil }
    }
    #expect(details == ["404 \(callID ?? "")"])
  }
}
