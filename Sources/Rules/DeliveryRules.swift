import SansIO

/// What the network below is held to: where it fails, calls fail by it.
extension Rule {
  public static let icmpUnreachable = Rule(
    "icmp-unreachable", .error, "RFC 3261 §18.4", "packets arrive where they are sent: no ICMP error says otherwise", failsRuns: .asked)
  public static let connectionRefused = Rule(
    "connection-refused", .error, "RFC 3261 §18.4", "a server of SIP over TCP or TLS accepts connections", failsRuns: .asked)
  public static let nameUnknown = Rule(
    "name-unknown", .warning, "RFC 3263 §4", "the names by which a server is looked for are there", failsRuns: .asked)
  public static let handshakeUnanswered = Rule(
    "dtls-unanswered", .error, "RFC 5763 §5", "a DTLS handshake for SRTP is answered", judgesAbsence: true)
  public static let markingChanges = Rule(
    "dscp-changes", .note, "RFC 4594 §4.1", "the DSCP of a stream stays as it is on the way", failsRuns: .asked)

  static let delivery: [Rule] = [icmpUnreachable, connectionRefused, nameUnknown, handshakeUnanswered, markingChanges]
}
