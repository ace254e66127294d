import SansIO

/// One side's INVITE usage, numbered by its host in the order the legs began. It never goes on a wire.
public struct LegID: SerialKey, Comparable, CustomStringConvertible {
  public var rawValue: UInt32
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }
  public var number: UInt32 { rawValue }
  public static func < (left: LegID, right: LegID) -> Bool { left.rawValue < right.rawValue }
  public var description: String { "leg \(rawValue)" }
}
