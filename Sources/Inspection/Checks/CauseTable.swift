import Rules
import SansIO

/// Which findings follow from which: a fault in one place is named once, and what came of it stands under it.
enum CauseTable {
  /// How a symptom meets its cause.
  enum Meeting {
    /// In one dialog, and not before it.
    case after
    /// In one dialog. What was not answered is named by the request, which comes before the word that it did not arrive.
    case whenever
    /// At one address, whatever dialog.
    case place
  }

  struct Link {
    let cause: Rule
    let symptom: Rule
    let meeting: Meeting
    /// Sections of the symptom; nil = any.
    let sections: [String]?

    init(_ cause: Rule, _ symptom: Rule, _ meeting: Meeting = .after, _ sections: [String]? = nil) {
      (self.cause, self.symptom, self.meeting, self.sections) = (cause, symptom, meeting, sections)
    }

    func holds(_ symptom: InspectionFinding) -> Bool {
      symptom.breach == self.symptom && sections?.contains(symptom.rule) ?? true
    }
  }

  /// The likeliest cause first.
  static let links: [Link] = delivery + signalling + descriptions + credentials

  private static let refused = ["RFC 3261 §21.4"]
  private static let failed = ["RFC 3261 §21.5"]
  private static let unknownDialog = ["RFC 3261 §12.2.2"]

  /// What the network says of what waits in vain.
  private static let delivery: [Link] =
    [.noFinalResponse, .unansweredRequest, .oneWayAudio, .mediaStops, .successNotAcknowledged, .refusalNotAcknowledged].map {
      Link(.icmpUnreachable, $0, .whenever)
    } + [.oneWayAudio, .mediaLate].map { Link(.handshakeUnanswered, $0, .whenever) }

  /// Requests that do not arrive, and what waits for them.
  private static let signalling: [Link] = [
    Link(.routeSet, .acknowledgementLost), Link(.routeSet, .unansweredRequest), Link(.routeSet, .refusedInDialog, .after, unknownDialog),
    Link(.dialogTags, .refusedInDialog, .after, unknownDialog), Link(.sequenceNotHigher, .refusedInDialog, .after, unknownDialog),
    Link(.contactElsewhere, .acknowledgementLost), Link(.contactElsewhere, .successNotAcknowledged),
    Link(.contactElsewhere, .unansweredRequest),
    Link(.successNotAcknowledged, .refusedInDialog, .after, unknownDialog),
    Link(.acknowledgementLost, .refusedInDialog, .whenever, unknownDialog),
    Link(.deadBranch, .callRefused, .after, refused + failed), Link(.deadBranch, .noFinalResponse, .whenever),
    Link(.deadBranch, .unansweredRequest, .place), Link(.unansweredRequest, .cancelWithoutEnd, .whenever),
    Link(.privateFromInside, .acknowledgementLost), Link(.privateFromInside, .successNotAcknowledged),
    Link(.privateFromInside, .unansweredRequest), Link(.progressNotAcknowledged, .callRefused, .after, failed),
    Link(.unansweredRequest, .sessionNotRefreshed, .whenever),
    Link(.remoteTarget, .acknowledgementLost), Link(.remoteTarget, .unansweredRequest),
    Link(.remoteTarget, .refusedInDialog, .after, unknownDialog),
  ]

  /// Offers that nobody can take, and media that goes nowhere.
  private static let descriptions: [Link] =
    [.offerUnusable, .unreadableDescription, .cryptoMissing, .fingerprintMissing].map { Link($0, .callRefused, .after, refused) } + [
      Link(.privateAddress, .oneWayAudio), Link(.privateFromInside, .oneWayAudio), Link(.contactElsewhere, .oneWayAudio),
      Link(.answerFormat, .rtpPayloadType),
      Link(.answerProfile, .srtpUnverified),
    ]

  private static let credentials: [Link] = [
    Link(.credentials, .challengeLoop), Link(.challengeLoop, .registrationRefused), Link(.challengeLoop, .callRefused, .after, refused),
  ]

  static let causes = Set(links.map(\.cause))
  private static let bySymptom = Dictionary(grouping: links, by: \.symptom)

  /// The links that a finding may be the symptom of.
  static func links(of symptom: InspectionFinding) -> [Link] {
    guard let links = bySymptom[symptom.breach] else { return [] }
    return links.filter { $0.holds(symptom) }
  }

  /// How many causes may stand above a finding of this rule: those with fewer are looked at first.
  static func rank(_ rule: Rule) -> Int { ranks[rule] ?? 0 }

  private static let ranks: [Rule: Int] = {
    var ranks: [Rule: Int] = [:]
    for _ in links {
      for link in links { ranks[link.symptom] = min(max(ranks[link.symptom] ?? 0, (ranks[link.cause] ?? 0) + 1), links.count) }
    }
    return ranks
  }()
}

/// Findings that may be causes, by what their symptoms are found by.
struct CauseIndex {
  private struct Entry {
    var position: Int
    var frame: Int
  }

  private struct Dialog: Hashable {
    var rule: Rule
    var callID: String
  }

  private struct Place: Hashable {
    var rule: Rule
    var address: TransportAddress
  }

  /// Causes of one rule that are kept of a dialog, and of a place.
  private static let most = 8
  private var dialogs: [Dialog: [Entry]] = [:]
  private var places: [Place: [Entry]] = [:]

  /// - Parameter position: of the finding, wherever its owner keeps it.
  mutating func add(_ finding: InspectionFinding, at position: Int) {
    guard CauseTable.causes.contains(finding.breach) else { return }
    let entry = Entry(position: position, frame: finding.frame)
    if let callID = finding.callID { Self.add(entry, to: &dialogs[Dialog(rule: finding.breach, callID: callID), default: []]) }
    if let place = finding.place { Self.add(entry, to: &places[Place(rule: finding.breach, address: place), default: []]) }
  }

  private static func add(_ entry: Entry, to list: inout [Entry]) { if list.count < most { list.append(entry) } }

  /// Where the cause of a finding is kept: the last one before it.
  func cause(of symptom: InspectionFinding) -> Int? {
    for link in CauseTable.links(of: symptom) {
      let found: [Entry]?
      switch link.meeting {
      case .after, .whenever: found = symptom.callID.flatMap { dialogs[Dialog(rule: link.cause, callID: $0)] }
      case .place: found = symptom.place.flatMap { places[Place(rule: link.cause, address: $0)] }
      }
      let before = found?.last { $0.frame <= symptom.frame }
      if let cause = before ?? (link.meeting == .after ? nil : found?.first) { return cause.position }
    }
    return nil
  }
}
