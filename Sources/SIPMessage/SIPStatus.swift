/// Default reason phrases (RFC 3261 §21 and the RFCs that added codes).
public enum SIPStatus {
  public static func phrase(_ status: Int) -> String { "\(spelling(status))" }

  /// The same, for whoever writes it.
  public static func spelling(_ status: Int) -> StaticString { phrases.first { $0.status == status }?.text ?? "Unknown" }

  private struct Phrase {
    var status: Int
    var text: StaticString

    init(_ status: Int, _ text: StaticString) { (self.status, self.text) = (status, text) }
  }

  private static let phrases: [Phrase] = [
    .init(100, "Trying"), .init(180, "Ringing"), .init(181, "Call Is Being Forwarded"), .init(182, "Queued"),
    .init(183, "Session Progress"), .init(200, "OK"), .init(202, "Accepted"), .init(300, "Multiple Choices"),
    .init(301, "Moved Permanently"), .init(302, "Moved Temporarily"), .init(305, "Use Proxy"), .init(380, "Alternative Service"),
    .init(400, "Bad Request"), .init(401, "Unauthorized"), .init(402, "Payment Required"), .init(403, "Forbidden"),
    .init(404, "Not Found"), .init(405, "Method Not Allowed"), .init(406, "Not Acceptable"), .init(407, "Proxy Authentication Required"),
    .init(408, "Request Timeout"), .init(410, "Gone"), .init(412, "Conditional Request Failed"), .init(413, "Request Entity Too Large"),
    .init(414, "Request-URI Too Long"), .init(415, "Unsupported Media Type"), .init(416, "Unsupported URI Scheme"),
    .init(420, "Bad Extension"), .init(421, "Extension Required"), .init(422, "Session Interval Too Small"),
    .init(423, "Interval Too Brief"), .init(428, "Use Identity Header"), .init(430, "Flow Failed"), .init(480, "Temporarily Unavailable"),
    .init(481, "Call/Transaction Does Not Exist"), .init(482, "Loop Detected"), .init(483, "Too Many Hops"),
    .init(484, "Address Incomplete"), .init(485, "Ambiguous"), .init(486, "Busy Here"), .init(487, "Request Terminated"),
    .init(488, "Not Acceptable Here"), .init(489, "Bad Event"), .init(491, "Request Pending"), .init(493, "Undecipherable"),
    .init(500, "Server Internal Error"), .init(501, "Not Implemented"), .init(502, "Bad Gateway"), .init(503, "Service Unavailable"),
    .init(504, "Server Time-out"), .init(505, "Version Not Supported"), .init(513, "Message Too Large"), .init(600, "Busy Everywhere"),
    .init(603, "Decline"), .init(604, "Does Not Exist Anywhere"), .init(606, "Not Acceptable"),
  ]
}
