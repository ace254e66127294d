import SansIO
import WireReader

/// A conversation of a live tap, with what was said of it.
struct WatchedConversation {
  let conversation: Conversation
  var told = ToldFindings()
  /// It was told as ended.
  var isConcluded = false
  /// Nanoseconds since 1970; nil = not yet.
  private(set) var judgedAt: Int64?
  private var judgedFrame = 0
  private var wasComplete = false

  init(_ conversation: Conversation) { self.conversation = conversation }

  mutating func wasJudged(at time: Int64) {
    judgedAt = time
    judgedFrame = conversation.last.frame
    wasComplete = conversation.isComplete
  }

  /// Whether looking again may show more: something came since, or something is missing.
  func mayChange(by streams: [RTPStream]) -> Bool {
    guard let judgedAt, wasComplete, judgedFrame == conversation.last.frame else { return true }
    return streams.contains { $0.last.time > judgedAt }
  }
}

extension Conversation {
  /// It has ended, and nothing is waited for: each request is answered, each answer to an INVITE acknowledged.
  fileprivate var isComplete: Bool {
    (ended != nil || kind != .dialog)
      && transactions.allSatisfy { $0.method == .ack || $0.isComplete && ($0.method != .invite || $0.acknowledgement != nil) }
  }
}

/// Findings that were said: the same of one call is said once, whatever numbers it has by then.
struct ToldFindings {
  private static let most = 256
  private var identities: Set<Int> = []
  /// Errors and warnings among them that follow from no other.
  private(set) var grave = 0

  mutating func isNew(_ finding: InspectionFinding) -> Bool {
    var hasher = Hasher()
    hasher.combine(finding.breach)
    hasher.combine(finding.severity)
    hasher.combine(finding.blamed?.address)
    hasher.combine(FindingCollector.shape(finding.text))
    // What is forgotten may be said again.
    if identities.count >= Self.most { identities = [] }
    guard identities.insert(hasher.finalize()).inserted else { return false }
    if finding.severity != .note, finding.cause == nil { grave += 1 }
    return true
  }
}

/// Where a live tap could not read what came: who sent it, and when. Nobody is accused of what it may hold.
struct HoleTable {
  private static let most = 1_024
  private var lastByAddress: [IPAddress: Int64] = [:]
  private var lastOfAll = Int64.min
  /// Packets that nobody read at all.
  private(set) var missed = 0

  mutating func add(_ address: IPAddress, at time: Int64) {
    if lastByAddress.count >= Self.most, lastByAddress[address] == nil {
      lastByAddress = [:]
      lastOfAll = time
    }
    lastByAddress[address] = time
  }

  mutating func miss(_ packets: Int, at time: Int64) {
    missed += packets
    lastOfAll = time
  }

  /// Whether one may be of this conversation.
  func cover(_ conversation: Conversation) -> Bool {
    guard lastOfAll > .min || !lastByAddress.isEmpty else { return false }
    return conversation.transactions.contains { cover($0.source.address, $0.destination.address, conversation.first.time) }
  }

  /// - Parameter time: of the first packet that matters, in nanoseconds since 1970.
  func cover(_ one: IPAddress, _ other: IPAddress, _ time: Int64) -> Bool {
    lastOfAll >= time || lastByAddress[one].map { $0 >= time } ?? false || lastByAddress[other].map { $0 >= time } ?? false
  }
}
