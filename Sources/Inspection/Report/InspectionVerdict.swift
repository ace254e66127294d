import SansIO
import WireReader

/// What a reading came to. That nothing is wrong has to be earned: who read nothing says so.
public enum InspectionVerdict: Hashable, Sendable {
  case judged
  /// Why, in a sentence.
  case nothingJudged(String)
  /// No Call-ID has what the filter asks for; in a sentence.
  case noMatch(String)

  /// One word for programs.
  public var name: String {
    switch self {
    case .judged: "judged"
    case .nothingJudged: "nothing-judged"
    case .noMatch: "no-match"
    }
  }

  /// Nil where something was judged.
  public var sentence: String? {
    switch self {
    case .judged: nil
    case .nothingJudged(let sentence), .noMatch(let sentence): sentence
    }
  }
}

/// What `inspect` ends with, as an exit code.
public enum InspectionExit: Int32, Hashable, Sendable, Comparable {
  case judged = 0
  /// Findings as bad as somebody asked for, or worse.
  case findings = 1
  /// A file that is missing, or no capture.
  case unreadable = 2
  /// Nothing could be judged, or the filter matched nothing.
  case nothingJudged = 3

  private var weight: Int {
    switch self {
    case .judged: 0
    case .findings: 1
    case .nothingJudged: 2
    case .unreadable: 3
    }
  }

  /// The worst of several files is the greatest.
  public static func < (left: Self, right: Self) -> Bool { left.weight < right.weight }
}

extension InspectionReport {
  /// - Parameter failOn: the mildest finding that counts; nil = none does.
  public func exit(failOn: InspectionFinding.Severity?, _ style: Style = Style()) -> InspectionExit {
    guard verdict(style) == .judged else { return .nothingJudged }
    guard let failOn else { return .judged }
    return shownFindings(style).contains { $0.severity <= failOn } ? .findings : .judged
  }

  public func verdict(_ style: Style = Style()) -> InspectionVerdict {
    let isJudged = counts.total > 0 || !streams.isEmpty || findings.contains { $0.severity != .note }
    guard isJudged else { return .nothingJudged("nothing could be judged: \(unjudgedWords.joined(separator: "; "))") }
    guard let filter = style.filter, !hasMatch(filter) else { return .judged }
    let among = callIDs == 1 ? "the only Call-ID" : "any of the \(CountText.grouped(callIDs)) Call-IDs"
    return .noMatch(
      callIDs == 0
        ? "nothing could be judged: '\(filter)' is not in a Call-ID, the capture has none"
        : "nothing could be judged: '\(filter)' is not in \(among) of the capture")
  }

  private func hasMatch(_ filter: String) -> Bool { conversations.values.contains { $0.callID.contains(filter) } }

  func shownFindings(_ style: Style) -> [InspectionFinding] {
    guard let filter = style.filter else { return findings }
    return findings.filter { $0.callIDs.contains { $0.contains(filter) } }
  }

  // MARK: - Why

  /// What a capture without SIP and RTP has.
  private var unjudgedWords: [String] {
    guard facts.frames > 0 else {
      return [facts.problem == nil ? "the capture has no frames" : "the file is damaged or cut before its first frame"]
    }
    var words = facts.unread.map { unread($0.reason, $0.count) } + streamWords
    if facts.udpOther > 0 { words.append("\(frames(facts.udpOther)) UDP, neither SIP nor RTP") }
    if control.packets > 0 { words.append("\(frames(control.packets)) RTCP, without the RTP that it is about") }
    if facts.fragmentsIncomplete > 0 { words.append("\(Words.count(facts.fragmentsIncomplete, "IP packet")) lack fragments") }
    if facts.cutFrames > 0, !facts.unread.contains(where: { $0.reason == .cutMessage }) {
      words.append("\(frames(facts.cutFrames)) cut by the snap length")
    }
    return words.isEmpty ? ["no SIP and no RTP in \(Words.count(facts.frames, "frame"))"] : words
  }

  /// TCP that was not read.
  private var streamWords: [String] {
    var words: [String] = []
    let closed = secured.reduce(0) { $0 + $1.closedBytes }
    if closed > 0 {
      let obstacle = secured.lazy.compactMap(\.obstacle).first.map { " (\($0))" } ?? ""
      words.append("\(Words.count(closed, "byte")) of TLS could not be decrypted\(obstacle)")
    }
    if connections.otherBytes > 0 { words.append("\(Words.count(connections.otherBytes, "byte")) of TCP are neither SIP nor TLS") }
    return words
  }

  /// What may hide what is wrong: frames that were not read, and where no SIP was found, streams.
  var hiddenWords: [String] {
    facts.unread.filter(\.reason.hidesPackets).map { unread($0.reason, $0.count) } + (counts.total == 0 ? streamWords : [])
  }

  private func unread(_ reason: UnreadReason, _ count: Int) -> String {
    "\(frames(count)) \(reason.name)\(reason.isContainer ? ", which is not read here" : "")"
  }

  /// `"307 of 307 frames are"`.
  private func frames(_ count: Int) -> String {
    "\(CountText.grouped(count)) of \(Words.count(facts.frames, "frame")) \(count == 1 ? "is" : "are")"
  }
}
