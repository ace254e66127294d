import SansIO

/// One SRV record (RFC 2782).
public struct ServiceRecord: Hashable, Sendable {
  public var priority: UInt16
  public var weight: UInt16
  public var port: UInt16
  public var target: String

  public init(priority: UInt16, weight: UInt16, port: UInt16, target: String) {
    (self.priority, self.weight, self.port, self.target) = (priority, weight, port, target)
  }

  /// nil where the record is of another kind, or says that the service is not offered at all (target `.`, RFC 2782).
  init?(_ record: NameRecord) {
    guard case .srv(let priority, let weight, let port, let target) = record.value, target != ".", !target.isEmpty else { return nil }
    self.init(priority: priority, weight: weight, port: port, target: target)
  }
}

extension [ServiceRecord] {
  /// In the order in which they are tried: the lowest priority first, and among equal ones by a draw in which weights are shares
  /// (RFC 2782).
  func ordered(using entropy: inout Entropy) -> [ServiceRecord] {
    var result: [ServiceRecord] = []
    for priority in Set(map(\.priority)).sorted() {
      // Those without weight come first in the list, so that they are drawn with the smallest chance (RFC 2782).
      let group = filter { $0.priority == priority }
      var left = group.filter { $0.weight == 0 } + group.filter { $0.weight > 0 }
      while left.count > 1 {
        let shares = 0...left.reduce(0) { $0 + Int($1.weight) }
        let drawn = Int.random(in: shares, using: &entropy)
        var sum = 0
        let index = left.firstIndex { record in
          sum += Int(record.weight)
          return sum >= drawn
        }
        result.append(left.remove(at: index ?? 0))
      }
      result += left
    }
    return result
  }
}
