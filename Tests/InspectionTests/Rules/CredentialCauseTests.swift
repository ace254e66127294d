import LabBench
import SansIO
import Testing

@testable import Inspection

/// Why credentials were asked for again (RFC 3261 §22, RFC 7616): the password is in doubt only where nothing else is.
@Suite struct CredentialCauseTests {
  private let talk = Talk()

  private func challenge(_ nonce: String, algorithm: String = "MD5", extra: String = "") -> [String] {
    ["WWW-Authenticate: Digest realm=\"r\", nonce=\"\(nonce)\", algorithm=\(algorithm), qop=\"auth\"\(extra)"]
  }

  private func credentials(
    _ nonce: String, realm: String = "r", algorithm: String = "MD5", uri: String? = nil, username: String = "alice"
  ) -> [String] {
    let uri = uri ?? "sip:bob@example.com"
    return [
      "Authorization: Digest username=\"\(username)\", realm=\"\(realm)\", nonce=\"\(nonce)\", uri=\"\(uri)\", algorithm=\(algorithm), "
        + "qop=auth, cnonce=\"c\", nc=00000001, response=\"0123456789abcdef0123456789abcdef\""
    ]
  }

  /// Requests, each with its credentials and what came back.
  private func course(
    _ method: String, _ steps: [(credentials: [String], status: String, extra: [String])], after wait: Int64 = 20
  ) -> Packets {
    var packets = Packets()
    for (number, step) in steps.enumerated() {
      let cseq = number + 1
      packets.udp(alice, to: bob, talk.request(method, cseq: cseq, extra: step.credentials))
      packets.udp(bob, to: alice, talk.response(step.status, cseq: cseq, method, extra: step.extra))
      if method == "INVITE" { packets.udp(alice, to: bob, talk.request("ACK", cseq: cseq, branch: "INVITE\(cseq)", inDialog: true)) }
      packets.wait(wait)
    }
    packets.wait(40_000)
    packets.udp(alice, to: bob, Talk(callID: "other").request("OPTIONS", cseq: 1))
    packets.udp(bob, to: alice, Talk(callID: "other").response("200 OK", cseq: 1, "OPTIONS"))
    return packets
  }

  private let refused = "401 Unauthorized"

  private func accusations(_ packets: Packets) throws -> [String] {
    try packets.report().findings.filter { $0.check != "call-refused" }.map { "\($0.severity.rawValue) \($0.check)" }
  }

  @Test(arguments: ["REGISTER", "INVITE"])
  func `a client that never sends credentials is told so, and its password is not in doubt (RFC 3261 §22.2)`(method: String) throws {
    let none: ([String], String, [String]) = ([], refused, challenge("n1"))
    #expect(try accusations(course(method, [none, none, none])) == ["warning credentials-never-sent"])
    #expect(try accusations(course(method, [none])) == ["note credentials-never-sent"])
  }

  @Test(arguments: ["REGISTER", "INVITE"])
  func `credentials for the nonce just given that are refused have a wrong password, unless something else differs (RFC 7616 §3.4)`(
    method: String
  ) throws {
    func retry(_ credentials: [String], algorithm: String = "MD5") throws -> [InspectionFinding] {
      let steps: [([String], String, [String])] = [
        ([], refused, challenge("n1", algorithm: algorithm)), (credentials, refused, challenge("n2", algorithm: algorithm)),
        (credentials.map { $0.replacing("n1", with: "n2") }, refused, challenge("n3", algorithm: algorithm)),
      ]
      return try course(method, steps).report().findings
    }
    let plain = try retry(credentials("n1"))
    #expect(plain.map(\.check) == ["challenge-loop"] && plain.first?.cause == nil, "\(plain)")
    let other = try retry(credentials("n1"), algorithm: "SHA-256")
    #expect(other.map(\.check) == ["credentials", "challenge-loop"] && other.last?.cause?.check == "credentials", "\(other)")
    let text = "\(method) from \(alice):5060 has credentials by MD5, the challenge in frame 2 asks for SHA-256"
    #expect(other.first?.text == text, "\(other)")
    let elsewhere = try retry(credentials("n1", uri: "sip:carol@example.org"))
    #expect(elsewhere.map(\.check) == ["challenge-loop", "credentials"] && elsewhere.last?.severity == .note, "\(elsewhere)")
    let realm = try retry(credentials("n1", realm: "s"))
    #expect(realm.first?.check == "credentials" && !realm.contains { $0.check == "credentials-never-sent" }, "\(realm)")
  }

  @Test(arguments: ["REGISTER", "INVITE"])
  func `a nonce that has expired is owed stale=true, and with it nothing is wrong (RFC 7616 §3.3)`(method: String) throws {
    func late(_ wait: Int64, extra: String = "", phrase: String = "401 Unauthorized") throws -> [String] {
      let steps: [([String], String, [String])] = [
        ([], refused, challenge("n1")), (credentials("n1"), phrase, challenge("n2", extra: extra)),
      ]
      return try accusations(course(method, steps, after: wait))
    }
    #expect(try late(17_000) == ["warning nonce-expired"])
    #expect(try late(20, phrase: "401 Nonce has changed") == ["warning nonce-expired"])
    #expect(try late(17_000, extra: ", stale=true") == [])
  }

  @Test(arguments: ["REGISTER", "INVITE"])
  func `credentials that are taken have nothing wrong, whatever they name (RFC 3261 §22.4)`(method: String) throws {
    let steps: [([String], String, [String])] = [
      ([], refused, challenge("n1")),
      (credentials("n1", uri: "sip:carol@example.org"), method == "REGISTER" ? "200 OK" : "486 Busy Here", []),
    ]
    #expect(try accusations(course(method, steps)).isEmpty)
  }
}
