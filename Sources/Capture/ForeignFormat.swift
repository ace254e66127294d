import SansIO

/// Files that people take for captures that are read here, by what they begin with.
public enum ForeignFormat: Hashable, Sendable, CaseIterable {
  case networkMonitor2, networkMonitor1, snoop, sniffer, netXRay, aixTrace, zstandard, xz, bzip2, lz4, zip, empty

  private var magic: [UInt8] {
    switch self {
    case .networkMonitor2: Array("GMBU".utf8)
    case .networkMonitor1: Array("RTSS".utf8)
    case .snoop: Array("snoop\0\0\0".utf8)
    case .sniffer: Array("TRSNIFF data    \u{1A}".utf8)
    case .netXRay: Array("XCP\0".utf8)
    case .aixTrace: Array("iptrace ".utf8)
    case .zstandard: [0x28, 0xB5, 0x2F, 0xFD]
    case .xz: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]
    case .bzip2: Array("BZh".utf8)
    case .lz4: [0x04, 0x22, 0x4D, 0x18]
    case .zip: Array("PK\u{3}\u{4}".utf8)
    case .empty: []
    }
  }

  /// Enough to tell by.
  static let headLength = 17

  static func of(_ head: Bytes) -> ForeignFormat? {
    guard !head.isEmpty else { return .empty }
    return allCases.first { $0 != .empty && head.starts(with: $0.magic) }
  }
}

extension ForeignFormat: CustomStringConvertible {
  /// What it is, and what turns it into a capture.
  public var description: String {
    let convert = "convert it with editcap -F pcapng"
    return switch self {
    case .networkMonitor2: "it is a Microsoft Network Monitor 2 capture: \(convert)"
    case .networkMonitor1: "it is a Microsoft Network Monitor 1 capture: \(convert)"
    case .snoop: "it is a snoop file: \(convert)"
    case .sniffer: "it is a Sniffer capture: \(convert)"
    case .netXRay: "it is a NetXRay capture: \(convert)"
    case .aixTrace: "it is an AIX iptrace: \(convert)"
    case .zstandard: "it is compressed with zstd: unpack it with unzstd"
    case .xz: "it is compressed with xz: unpack it with unxz"
    case .bzip2: "it is compressed with bzip2: unpack it with bunzip2"
    case .lz4: "it is compressed with lz4: unpack it with unlz4"
    case .zip: "it is a zip archive: unpack it"
    case .empty: "it is empty"
    }
  }
}
