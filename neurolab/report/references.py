"""The papers behind the methods, by key."""

from __future__ import annotations

from collections.abc import Iterable

from neurolab.errors import UnknownNameError, did_you_mean

#: Citation by key; methods paragraphs name the keys, the report lists what was named.
REFERENCES = {
    "Benjamini & Hochberg 1995": "Benjamini Y, Hochberg Y (1995). Controlling the false discovery rate. J R Stat Soc B "
    "57: 289–300. doi:10.1111/j.2517-6161.1995.tb02031.x",
    "Benjamini & Yekutieli 2001": "Benjamini Y, Yekutieli D (2001). The control of the false discovery rate in "
    "multiple "
    "testing under dependency. Ann Stat 29: 1165–1188. doi:10.1214/aos/1013699998",
    "Berger 1982": "Berger RL (1982). Multiparameter hypothesis testing and acceptance sampling. Technometrics 24: "
    "295–300. doi:10.1080/00401706.1982.10487790",
    "Crawford & Garthwaite 2005": "Crawford JR, Garthwaite PH (2005). Testing for suspected impairments and "
    "dissociations in single-case studies in neuropsychology. Neuropsychology 19: 318–331. "
    "doi:10.1037/0894-4105.19.3.318",
    "Crawford & Garthwaite 2007": "Crawford JR, Garthwaite PH (2007). Comparison of a single case to a control or "
    "normative sample in neuropsychology: development of a Bayesian approach. Cogn Neuropsychol 24: 343–372. "
    "doi:10.1080/02643290701290146",
    "Crawford et al. 2003": "Crawford JR, Garthwaite PH, Gray CD (2003). Wanted: fully operational definitions of "
    "dissociations in single-case studies. Cortex 39: 357–370.",
    "Crawford et al. 2011": "Crawford JR, Garthwaite PH, Ryan K (2011). Comparing a single case to a control sample: "
    "testing for neuropsychological deficits and dissociations in the presence of covariates. Cortex 47: 1166–1178. "
    "doi:10.1016/j.cortex.2011.02.017",
    "Crawford & Howell 1998": "Crawford JR, Howell DC (1998). Comparing an individual's test score against norms "
    "derived "
    "from small samples. Clin Neuropsychol 12: 482–486. doi:10.1076/clin.12.4.482.7241",
    "Dice 1945": "Dice LR (1945). Measures of the amount of ecologic association between species. Ecology 26: 297–302. "
    "doi:10.2307/1932409",
    "Holm 1979": "Holm S (1979). A simple sequentially rejective multiple test procedure. Scand J Stat 6: 65–70.",
    "Kriegeskorte et al. 2009": "Kriegeskorte N, Simmons WK, Bellgowan PSF, Baker CI (2009). Circular analysis in "
    "systems "
    "neuroscience: the dangers of double dipping. Nat Neurosci 12: 535–540. doi:10.1038/nn.2303",
    "Nichols & Holmes 2002": "Nichols TE, Holmes AP (2002). Nonparametric permutation tests for functional "
    "neuroimaging. "
    "Hum Brain Mapp 15: 1–25. doi:10.1002/hbm.1058",
    "Phipson & Smyth 2010": "Phipson B, Smyth GK (2010). Permutation P-values should never be zero. Stat Appl Genet "
    "Mol "
    "Biol 9: 39. doi:10.2202/1544-6115.1585",
    "Saxe et al. 2006": "Saxe R, Brett M, Kanwisher N (2006). Divide and conquer: a defense of functional localizers. "
    "NeuroImage 30: 1088–1096. doi:10.1016/j.neuroimage.2005.12.062",
    "Schuirmann 1987": "Schuirmann DJ (1987). A comparison of the two one-sided tests procedure and the power "
    "approach. "
    "J Pharmacokinet Biopharm 15: 657–680. doi:10.1007/BF01068419",
    "Shallice 1988": "Shallice T (1988). From Neuropsychology to Mental Structure. Cambridge University Press.",
    "Spearman 1910": "Spearman C (1910). Correlation calculated from faulty data. Br J Psychol 3: 271–295. "
    "doi:10.1111/j.2044-8295.1910.tb00206.x",
    "Welch 1947": "Welch BL (1947). The generalization of 'Student's' problem when several different population "
    "variances "
    "are involved. Biometrika 34: 28–35. doi:10.1093/biomet/34.1-2.28",
}


def bibliography(keys: Iterable[str]) -> list[str]:
    """Get the citations of these keys, each once, in order of the alphabet.

    Example
    -------
    >>> bibliography(["Dice 1945", "Dice 1945"])[0][:11]
    'Dice LR (19'
    """
    wanted = sorted(set(keys))
    for key in wanted:
        if key not in REFERENCES:
            raise UnknownNameError(f"There is no reference {key!r}.{did_you_mean(key, REFERENCES)}")
    return [REFERENCES[key] for key in wanted]
