import SIPMessage

/// The order in which a product writes the header fields of one kind of message.
public struct HeaderOrder: Hashable, Sendable, Codable {
  public enum Kind: Hashable, Sendable, Codable {
    /// Requests that have no order of their own.
    case requests
    case request(SIPMethod)
    /// Responses that have no order of their own.
    case responses
    /// Responses to this method, outside dialogs.
    case responsesTo(SIPMethod)
    /// A 2xx to an initial INVITE that had a provisional response above 100.
    case successAfterProvisional
    case reinviteResponses
    /// Responses that a stack gives without asking its application: they make no dialog.
    case stackResponses

    var fallback: Kind {
      switch self {
      case .requests, .request: .requests
      case .responses, .responsesTo, .successAfterProvisional, .reinviteResponses, .stackResponses: .responses
      }
    }
  }

  public var kind: Kind
  /// A name may stand several times: its second field goes to the second place.
  public var names: [String]

  public init(_ kind: Kind, _ names: [String]) {
    self.kind = kind
    self.names = names
  }
}

/// The orders of one style, ready for use.
struct HeaderOrders: Sendable {
  /// One order: the places of each name.
  struct Order: Sendable {
    /// By the number of a known name.
    private var places: [KnownHeader: [Int]] = [:]
    /// By the name of an extension, in lower case.
    private var extensions: [String: [Int]] = [:]
    /// Where the fields go that it does not name: before Content-Type and Content-Length.
    private let others: Int

    init(_ names: [String]) {
      let names = names.map { HeaderName($0) }
      others = names.firstIndex { $0 == .contentType || $0 == .contentLength } ?? names.count
      for (place, name) in names.enumerated() {
        if name.known == .other {
          extensions[name.text.lowercased(), default: []].append(place)
        } else {
          places[name.known, default: []].append(place)
        }
      }
    }

    /// Lines in this order; those it does not name stay as they were built.
    func sorted(_ lines: HeaderLines) -> [HeaderLines.Mark] {
      var seen: [Int: Int] = [:]
      let ranked = lines.marks.enumerated().map { offset, mark -> Rank in
        let own = mark.known == .other ? extensions[lines.nameText(mark)] : places[mark.known]
        guard let own, let first = own.first, let last = own.last else { return Rank(place: 2 * others, offset: offset) }
        let count = seen[first, default: 0]
        seen[first] = count + 1
        return Rank(place: 2 * (own.indices.contains(count) ? own[count] : last) + 1, offset: offset)
      }
      return ranked.sorted().map { lines.marks[$0.offset] }
    }

    private struct Rank: Comparable {
      var place: Int
      var offset: Int
      static func < (left: Rank, right: Rank) -> Bool { (left.place, left.offset) < (right.place, right.offset) }
    }
  }

  private var orders: [HeaderOrder.Kind: Order] = [:]

  init(_ orders: [HeaderOrder]) {
    for order in orders { self.orders[order.kind] = Order(order.names) }
  }

  func order(_ kind: HeaderOrder.Kind) -> Order? { orders.isEmpty ? nil : orders[kind] ?? orders[kind.fallback] }
}
