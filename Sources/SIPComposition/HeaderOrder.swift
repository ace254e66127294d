import SIPMessage
import SansIO

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

    /// A message that we wrote with its lines in this order; those it does not name stay as they were written.
    func sorted(_ message: Bytes) -> Bytes {
      var walk = WrittenLines(message: message)
      let start = walk.position
      var (lines, ranks, seen): ([Range<Int>], [Rank], [Int: Int]) = ([], [], [:])
      while let line = walk.next() {
        ranks.append(Rank(place: place(of: line, walk, &seen), offset: lines.count))
        lines.append(line.whole)
      }
      return Bytes(capacity: message.count) { output in
        output.append(message[0..<start])
        for rank in ranks.sorted() { output.append(message[lines[rank.offset]]) }
        output.append(message[walk.position..<message.count])
      }
    }

    private func place(of line: WrittenLines.Line, _ walk: WrittenLines, _ seen: inout [Int: Int]) -> Int {
      let own = line.known == .other ? extensions[walk.nameText(line)] : places[line.known]
      guard let own, let first = own.first, let last = own.last else { return 2 * others }
      let count = seen[first, default: 0]
      seen[first] = count + 1
      return 2 * (own.indices.contains(count) ? own[count] : last) + 1
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
