import SIPMessage
import SansIO

/// SIP as tests write it, by hand and not by the stack under test: start line, header lines, body.
public enum SIPText {
  /// A message of these lines. Content-Type where there is a body, and always Content-Length, come last.
  public static func message(_ start: String, _ headers: [String], type: String = "application/sdp", body: String = "") -> String {
    var lines = [start] + headers
    if !body.isEmpty { lines.append("Content-Type: \(type)") }
    lines += ["Content-Length: \(body.utf8.count)", ""]
    return lines.map { $0 + "\r\n" }.joined() + body
  }

  /// A request with what every request has (RFC 3261 §8.1.1), Max-Forwards 70 included.
  ///
  /// - Parameters:
  ///   - via: what follows `SIP/2.0/`: `UDP 192.0.2.20;branch=z9hG4bK1`.
  ///   - from: with its tag, if it has one; so is `to`.
  ///   - contact: a URI, for where `headers` have no Contact; nil = none.
  public static func request(
    _ method: String, _ uri: String, via: String, from: String, to: String, callID: String, sequence: Int, contact: String? = nil,
    headers: [String] = [], type: String = "application/sdp", body: String = ""
  ) -> String {
    let own = [
      "Via: SIP/2.0/\(via)", "Max-Forwards: 70", "From: \(from)", "To: \(to)", "Call-ID: \(callID)", "CSeq: \(sequence) \(method)",
    ]
    return message("\(method) \(uri) SIP/2.0", own + contactLine(contact, headers) + headers, type: type, body: body)
  }

  /// A response, for which the request has its Via, From, To, Call-ID and CSeq (RFC 3261 §8.2.6.2).
  ///
  /// - Parameters:
  ///   - tag: of To, where the request has none there; nil = none.
  ///   - contact: a URI, for where `headers` have no Contact; nil = none.
  public static func response(
    _ status: Int, to request: SIPMessage, tag: String?, contact: String? = nil, headers: [String] = [], body: String = ""
  ) -> String {
    var lines = request.all(.via).map { "Via: \($0.text)" }
    for name in [HeaderName.from, .to, .callID, .cseq] {
      let value = request.first(name)?.text ?? ""
      let isTagged = name != .to || tag == nil || value.contains(";tag=")
      lines.append("\(name): \(value)\(isTagged ? "" : ";tag=\(tag ?? "")")")
    }
    let own = "SIP/2.0 \(status) \(SIPStatus.phrase(status))"
    return message(own, lines + contactLine(contact, headers) + headers, body: body)
  }

  private static func contactLine(_ uri: String?, _ headers: [String]) -> [String] {
    guard let uri, !headers.contains(where: { $0.hasPrefix("Contact:") }) else { return [] }
    return ["Contact: <\(uri)>"]
  }
}

extension [SIPMessage] {
  public var statuses: [Int] { compactMap(\.status) }

  /// `INVITE`, `200`, … in their order.
  public var words: [String] { map { $0.method?.token ?? "\($0.status ?? 0)" } }
}
