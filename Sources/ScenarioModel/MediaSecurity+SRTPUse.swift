import SDP

extension MediaSecurity {
  /// What a setting of a PBX means.
  public init(_ use: Scenario.SRTPUse) {
    switch use {
    case .off: self = .none
    case .accept: self = MediaSecurity(takesDTLS: true)
    case .osrtp: self = MediaSecurity(offer: .osrtp)
    case .bestEffort: self = MediaSecurity(offer: .bestEffort)
    case .require: self = .required
    case .dtls: self = MediaSecurity(offer: .dtls, takesClear: false, takesSRTP: false, takesDTLS: true)
    }
  }
}
