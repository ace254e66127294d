import SansIO

/// What requests and their responses are held to, hop by hop.
extension Rule {
  public static let branchReused = Rule(
    "branch-reused", .error, "RFC 3261 §8.1.1.7",
    "each new request has a branch of its own; only its CANCEL, and the ACK of a refusal, share it")
  public static let cancelBranch = Rule("cancel-branch", .error, "RFC 3261 §9.1", "a CANCEL has the branch of the INVITE that it cancels")
  public static let cancelSequence = Rule("cancel-sequence", .error, "RFC 3261 §9.1", "a CANCEL has the CSeq number of its INVITE")
  public static let cancelTarget = Rule(
    "cancel-target", .error, "RFC 3261 §9.1", "a CANCEL has the Request-URI, From tag and To of its INVITE")
  public static let acknowledgementSequence = Rule(
    "ack-sequence", .error, "RFC 3261 §13.2.2.4", "an ACK has the CSeq number of the INVITE that it acknowledges", by: .both)
  public static let acknowledgementBranch = Rule(
    "ack-branch", .error, "RFC 3261 §17.1.1.3", "the ACK of a refusal has its INVITE's branch, that of a 2xx one of its own")
  public static let refusalNotAcknowledged = Rule(
    "refusal-not-acknowledged", .error, "RFC 3261 §17.2.1", "a final refusal of an INVITE is acknowledged within 64·T1 (Timer H)",
    by: .both,
    judgesAbsence: true)
  public static let successNotAcknowledged = Rule(
    "no-ack", .error, "RFC 3261 §13.2.2.4", "a 2xx to INVITE is acknowledged", judgesAbsence: true)
  public static let acknowledgementLost = Rule(
    "ack-lost", .warning, "RFC 3261 §13.3.1.4", "a 2xx to INVITE is not repeated after its ACK", failsRuns: .errors)
  public static let acknowledgementNotRepeated = Rule(
    "ack-not-repeated", .error, "RFC 3261 §13.2.2.4", "each copy of a 2xx to INVITE is acknowledged", judgesAbsence: true)
  public static let successNotRepeated = Rule(
    "success-not-repeated", .error, "RFC 3261 §13.3.1.4", "a 2xx to INVITE is repeated until its ACK comes", judgesAbsence: true)
  public static let retransmissionInterval = Rule(
    "retransmission-interval", .warning, "RFC 3261 §17.1.1.2", "copies follow each other at the intervals of T1, doubled, up to T2")
  public static let noFinalResponse = Rule(
    "no-final-response", .error, "RFC 3261 §17.1.1.2", "an INVITE or REGISTER is answered before its timers end", judgesAbsence: true)
  public static let tryingMissing = Rule(
    "no-trying", .error, "RFC 3261 §17.2.1", "an INVITE gets a response within 200 ms: 100 where there is no other")
  public static let unansweredRequest = Rule(
    "unanswered-request", .error, "RFC 3261 §17.1.2.2", "a request other than the first INVITE gets a final response", judgesAbsence: true)
  public static let optionsUnanswered = Rule(
    "options-unanswered", .warning, "RFC 3261 §11.2", "an OPTIONS request is answered", judgesAbsence: true)
  public static let responseConnection = Rule(
    "response-connection", .error, "RFC 3261 §18.2.2", "a response goes back on the connection of its request while that is open")
  public static let responseDestination = Rule(
    "response-destination", .error, "RFC 3261 §18.2.2", "a response over UDP goes where its request came from, to the port of rport or Via")
  public static let needlessConnection = Rule(
    "needless-connection", .warning, "RFC 5923 §1", "requests within a dialog use the connection that there is")

  static let transactions: [Rule] = [
    branchReused, cancelBranch, cancelSequence, cancelTarget, acknowledgementSequence, acknowledgementBranch, refusalNotAcknowledged,
    successNotAcknowledged, acknowledgementLost, acknowledgementNotRepeated, successNotRepeated, retransmissionInterval, noFinalResponse,
    tryingMissing, unansweredRequest, optionsUnanswered, responseConnection, responseDestination, needlessConnection,
  ]
}
